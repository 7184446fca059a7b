"""The batched engine equals the plain forward and model.generate, prompt by prompt."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lokal.data.chat import Message, encode_prompt
from lokal.evaluation.batched_answers import (
    Answer,
    BatchedAnswers,
    Choice,
    plan_batches,
    shared_prefix,
)
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

END = 2  # <|im_end|> of the tiny tokenizer
LABELS = ["science/technology", "travel", "politics", "sports"]
TEXTS = [
    "Turki dikelilingi oleh laut.",
    "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं। क्‍षमा करें, दर्शनार्‍थी कल आएँगे।",
    "Grabe, nag-score ang player sa ika-89 minuto!",
    "क",
    "Mutasi menambahkan variasi genetik yang baru, sedangkan seleksi menghapusnya." * 3,
]


@pytest.fixture(scope="module")
def model(tiny_llama_folder: Path) -> LlamaForCausalLM:
    loaded = LlamaForCausalLM.from_pretrained(tiny_llama_folder, attn_implementation="sdpa").eval()
    with torch.no_grad():  # far from uniform, so that a wrong mask or position shows
        for weight in loaded.model.layers.parameters():
            weight.mul_(8 if weight.dim() > 1 else 1)
    generator = torch.Generator().manual_seed(1)
    head = torch.randn(loaded.lm_head.weight.shape, generator=generator)
    loaded.lm_head.weight = torch.nn.Parameter(head)  # untied: a tied one repeats its input
    return loaded


@pytest.fixture(scope="module")
def tokenizer(tiny_llama_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_llama_folder)


@pytest.fixture(scope="module")
def prompts(tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    system = Message(role="system", content="Tentukan topik teks: " + ", ".join(LABELS))
    return [
        encode_prompt(tokenizer, [system, Message(role="user", content=text)]) for text in TEXTS
    ]


def _choices(tokenizer: PreTrainedTokenizerBase, labels: Sequence[str]) -> list[Choice]:
    ids = [tokenizer(label, add_special_tokens=False)["input_ids"] for label in labels]
    return [Choice(label_ids, [END]) for label_ids in ids]


def _answer_all(
    model: LlamaForCausalLM,
    prompts: list[list[int]],
    choices: list[Choice],
    *,
    end_ids: Sequence[int],
    batch_tokens: int = 10_000,
    share: bool = True,
    max_new_tokens: int = 12,
) -> list[Answer]:
    prefix = shared_prefix(prompts) if share else []
    engine = BatchedAnswers(
        model,
        prefix_ids=prefix,
        choices=choices,
        end_ids=end_ids,
        max_new_tokens=max_new_tokens,
    )
    rests = [ids[len(prefix) :] for ids in prompts]
    answers: dict[int, Answer] = {}
    for batch in plan_batches([len(rest) for rest in rests], batch_tokens=batch_tokens):
        found = engine.answer([rests[index] for index in batch])
        answers |= dict(zip(batch, found, strict=True))
    return [answers[index] for index in range(len(prompts))]


def _plain_logprob(model: LlamaForCausalLM, prompt: list[int], reply: list[int]) -> float:
    with torch.no_grad():
        logits = model(torch.tensor([prompt + reply])).logits[0].double().log_softmax(-1)
    return sum(logits[len(prompt) - 1 + place, token].item() for place, token in enumerate(reply))


def _generate(
    model: LlamaForCausalLM, prompt: list[int], end_ids: Sequence[int], *, max_new_tokens: int = 12
) -> list[int]:
    ids = torch.tensor([prompt])
    out = model.generate(  # pyright: ignore[reportAttributeAccessIssue]  its stubs do not fit
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=list(end_ids),
        pad_token_id=0,
    )
    return out[0, len(prompt) :].tolist()


@pytest.mark.parametrize("batch_tokens", [1, 200, 10_000])
@pytest.mark.parametrize("share", [True, False])
def test_label_loglikelihoods_equal_the_plain_forward(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    batch_tokens: int,
    share: bool,
) -> None:
    choices = _choices(tokenizer, LABELS)
    answers = _answer_all(
        model, prompts, choices, end_ids=choices[0].end_ids, batch_tokens=batch_tokens, share=share
    )
    for prompt, answer in zip(prompts, answers, strict=True):
        label = [_plain_logprob(model, prompt, choice.ids) for choice in choices]
        closed = [_plain_logprob(model, prompt, choice.ids + choice.end_ids) for choice in choices]
        assert answer.label_logprobs == pytest.approx(label, abs=1e-4)
        assert answer.closed_logprobs == pytest.approx(closed, abs=1e-4)


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_greedy_replies_equal_generate(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    batch_tokens: int,
) -> None:
    choices = _choices(tokenizer, LABELS)
    # Ends that a random model really says, so that some replies end early and some are cut.
    said = [_generate(model, prompt, []) for prompt in prompts]
    end_ids = [said[0][3], said[1][6]]
    answers = _answer_all(model, prompts, choices, end_ids=end_ids, batch_tokens=batch_tokens)
    assert {answer.ended for answer in answers} == {True, False}
    for prompt, answer in zip(prompts, answers, strict=True):
        expected = _generate(model, prompt, end_ids)
        assert answer.ended == (expected[-1] in end_ids)
        assert answer.reply_ids == (expected[:-1] if answer.ended else expected)


def test_replies_that_follow_a_label_need_no_further_step(
    model: LlamaForCausalLM,
    prompts: list[list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = _generate(model, prompts[0], [], max_new_tokens=5)
    choices = [Choice(said[:4], [said[4]]), Choice(said[:2], [said[4]])]
    monkeypatch.setattr(BatchedAnswers, "_continue", lambda *_: pytest.fail("made a step"))
    end_ids = [said[4]] if said[4] not in said[:4] else []
    (answer,) = _answer_all(
        model, prompts[:1], choices, end_ids=end_ids, share=False, max_new_tokens=5
    )
    assert answer.reply_ids == (said[:4] if end_ids else said)


def test_labels_of_one_token_without_an_end(
    model: LlamaForCausalLM, prompts: list[list[int]]
) -> None:
    choices = [Choice([300], []), Choice([301], [])]
    for prompt, answer in zip(
        prompts, _answer_all(model, prompts, choices, end_ids=[2]), strict=True
    ):
        expected = [_plain_logprob(model, prompt, choice.ids) for choice in choices]
        assert answer.closed_logprobs == pytest.approx(expected, abs=1e-4)


def test_batches_are_full_and_longest_first() -> None:
    assert plan_batches([3, 10, 4, 9], batch_tokens=20) == [[1, 3], [2, 0]]
    assert plan_batches([50, 3], batch_tokens=20) == [[0], [1]]
    assert plan_batches([], batch_tokens=20) == []


def test_every_prompt_keeps_a_token_of_its_own() -> None:
    assert shared_prefix([[1, 2, 3], [1, 2, 3, 4]]) == [1, 2]
    assert shared_prefix([[1, 2, 5], [1, 3, 4]]) == [1]
    assert shared_prefix([[7], [7]]) == []
