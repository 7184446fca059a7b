"""Choices are scored as replies as training puts them behind the prompt, texts in bits per byte."""

import math
from pathlib import Path

import pytest
import torch
from lokal.data.chat import encode_conversation, encode_prompt
from lokal.data.message import Message
from lokal.evaluation.likelihood.choices import (
    QuestionEncoder,
    choice_scores,
)
from lokal.evaluation.likelihood.plain_text import bits_per_byte, text_logprobs, text_prompts
from lokal.evaluation.likelihood.scorer import Scorer
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

QUESTIONS = [
    ("Siapa yang datang?", ("A", "B", "C")),
    ("कौन आएगा?", ("दर्शनार्‍थी", "ज़िला अस्पताल", "क्‍षमा")),
    ("Sino ang nag-score?", ("ang player", "ang ng̃alan niya", "wala")),
]


@pytest.fixture(scope="module")
def model(tiny_llama_folder: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(tiny_llama_folder, attn_implementation="sdpa").eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_llama_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


def _plain(model: LlamaForCausalLM, ids: list[int], *, start: int) -> list[float]:
    """Return the log-probability of each token from ``start`` on."""
    with torch.no_grad():
        told = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return [told[place - 1, ids[place]].item() for place in range(start, len(ids))]


def test_choices_are_scored_as_trained_replies(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase
) -> None:
    encoder = QuestionEncoder(tokenizer)
    asked = [[Message(role="user", content=text)] for text, _ in QUESTIONS]
    questions = [
        encoder.encode(messages, choices)
        for messages, (_, choices) in zip(asked, QUESTIONS, strict=True)
    ]
    found = Scorer(model).score([question.prompt for question in questions])
    for question, scores, messages, (_, choices) in zip(
        questions, found, asked, QUESTIONS, strict=True
    ):
        sums = choice_scores(question, scores)
        start = len(encode_prompt(tokenizer, messages))
        for number, choice in enumerate(choices):
            whole = encode_conversation(
                tokenizer, [*messages, Message(role="assistant", content=choice)]
            )
            end = max(place for place, yes in enumerate(whole.trained) if yes) + 1
            steps = _plain(model, whole.ids[:end], start=start)
            assert sums.choice_and_end[number] == pytest.approx(sum(steps), abs=1e-4)
            assert sums.choice[number] == pytest.approx(sum(steps[:-1]), abs=1e-4)


@pytest.mark.parametrize("max_length", [1, 7, 16, 500])
def test_each_token_of_a_text_is_predicted_once_with_the_longest_context(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> None:
    ids = tokenizer("ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं।", add_special_tokens=False)["input_ids"]
    prompts = text_prompts(ids, first=1, max_length=max_length)
    assert [token for prompt in prompts for token in prompt.continuations[0]] == ids
    expected = 0.0
    for prompt in prompts:
        (window,) = prompt.continuations
        assert len(prompt.ids) + len(window) - 1 <= max_length
        expected += sum(_plain(model, [*prompt.ids, *window], start=len(prompt.ids)))
    (found,) = text_logprobs(Scorer(model), [ids], first=1, max_length=max_length)
    assert found == pytest.approx(expected, abs=1e-3)


def test_bits_are_counted_per_byte_of_utf8() -> None:
    assert bits_per_byte(-math.log(2) * 12, "क्ष") == pytest.approx(12 / 9)
