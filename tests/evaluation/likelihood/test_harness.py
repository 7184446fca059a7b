"""The lm-eval model gives what lm-eval's HF backend gives, request by request."""

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("lm_eval")

from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]
from lokal.data.errors import UserError
from lokal.evaluation.likelihood.harness import PrefixSharedLM
from transformers import AutoTokenizer, LlamaForCausalLM

REQUESTS = [
    ("Turki dikelilingi oleh", " laut"),
    ("Turki dikelilingi oleh ", "laut"),  # the space moves to the continuation
    ("Turki dikelilingi oleh", " laut di tiga sisi"),
    ("", "ज़िला अस्पताल"),
    ("", "<|im_start|>user"),
    ("क्‍षमा करें,\n", "दर्शनार्‍थी"),
    ("<|im_start|>user\nApa?<|im_end|>\n", "A"),
    ("Grabe! " * 60, " Nag-score ang player"),  # longer than the model reads
    ("Turki dikelilingi oleh", " laut"),
]
TEXTS = ["Turki dikelilingi oleh laut.", "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं। " * 5, ""]


@pytest.fixture(scope="module")
def checkpoint(tiny_llama_folder: Path):
    model = LlamaForCausalLM.from_pretrained(tiny_llama_folder, attn_implementation="sdpa").eval()
    return model, AutoTokenizer.from_pretrained(tiny_llama_folder)


@pytest.mark.parametrize("settings", [{}, {"add_bos_token": True}, {"max_length": 40}])
def test_log_likelihoods_equal_the_hf_backend(checkpoint, settings: dict) -> None:
    model, tokenizer = checkpoint
    requests = [SimpleNamespace(args=request) for request in REQUESTS]
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, **settings)
    ours = PrefixSharedLM(model, tokenizer, **settings)
    expected = theirs.loglikelihood(requests, disable_tqdm=True)
    found = ours.loglikelihood(requests, disable_tqdm=True)
    assert [one[0] for one in found] == pytest.approx([one[0] for one in expected], abs=1e-4)
    assert [one[1] for one in found] == [one[1] for one in expected]


@pytest.mark.parametrize("max_length", [512, 16])
def test_log_likelihoods_of_whole_texts_equal_the_hf_backend(checkpoint, max_length: int) -> None:
    model, tokenizer = checkpoint
    requests = [SimpleNamespace(args=(text,)) for text in TEXTS]
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, max_length=max_length)
    ours = PrefixSharedLM(model, tokenizer, max_length=max_length)
    expected = theirs.loglikelihood_rolling(requests, disable_tqdm=True)
    assert ours.loglikelihood_rolling(requests) == pytest.approx(expected, abs=1e-3)


def test_continuations_without_a_token_are_refused(checkpoint) -> None:
    ours = PrefixSharedLM(*checkpoint)
    with pytest.raises(UserError, match="the continuation '' is no token: correct the task"):
        ours.loglikelihood([SimpleNamespace(args=("Apa?", ""))], disable_tqdm=True)


def test_continuations_longer_than_the_model_reads_are_refused(checkpoint) -> None:
    ours = PrefixSharedLM(*checkpoint, max_length=4)
    requests = [SimpleNamespace(args=("Apa?", " laut di tiga sisi, grabe"))]
    with pytest.raises(UserError, match="tokens, the model reads 4: leave the item out"):
        ours.loglikelihood(requests, disable_tqdm=True)
