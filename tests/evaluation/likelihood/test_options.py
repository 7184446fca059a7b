"""Options' texts behind a question: the tokens that count are the option's, as plain code sums."""

from pathlib import Path

import pytest
import torch
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.formats.choice import FORMAT, text_options
from lokal.evaluation.likelihood.options import TextEncoder
from lokal.evaluation.likelihood.scorer import Scorer
from transformers import AutoTokenizer, LlamaForCausalLM

QUESTION = {"id": "q", "question": "Turki di mana?", "choices": ["di laut", "ज़िला"], "answer": 0}
GAP = {
    "id": "w",
    "choices": ["Sarah was better than Maria so Sarah", "Sarah was better than Maria so Maria"],
    "continuation": "got the easier cases.",
    "answer": 1,
}


@pytest.mark.parametrize(("row", "suite"), [(QUESTION, "lindsea_syntax"), (GAP, "winogrande")])
def test_sums_equal_a_plain_forward_over_the_options_tokens(
    tiny_llama_folder: Path, row: dict, suite: str
) -> None:
    model = LlamaForCausalLM.from_pretrained(tiny_llama_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    language = "en" if row is GAP else "id"
    item = FORMAT.ask(row, suite=load_suite(suite), region=load_region(language))
    question = TextEncoder(tokenizer).encode(text_options(item))
    (scores,) = Scorer(model).score([question.prompt])
    made = question.sums(scores)
    for value, (before, text) in zip(made, text_options(item), strict=True):
        num = len(tokenizer(before, add_special_tokens=False)["input_ids"])
        ids = [
            tokenizer.bos_token_id,
            *tokenizer(before + text, add_special_tokens=False)["input_ids"],
        ]
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        expected = sum(logprobs[k - 1, ids[k]].item() for k in range(num + 1, len(ids)))
        assert value == pytest.approx(expected, abs=1e-4)


def test_a_gap_is_scored_by_what_follows_it() -> None:
    item = FORMAT.ask(GAP, suite=load_suite("winogrande"), region=load_region("en"))
    assert [text for _, text in text_options(item)] == [" got the easier cases."] * 2
    assert [before[-5:] for before, _ in text_options(item)] == ["Sarah", "Maria"]


def test_a_question_stands_before_its_options_with_the_languages_word_for_an_answer() -> None:
    item = FORMAT.ask(QUESTION, suite=load_suite("lindsea_syntax"), region=load_region("hi"))
    assert text_options(item)[1] == ("Turki di mana?\nउत्तर:", " ज़िला")
