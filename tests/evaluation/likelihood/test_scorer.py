"""The engine equals one plain forward pass per continuation, however it shares and batches."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lokal.data.errors import RunError
from lokal.evaluation.likelihood.decoder import TransformersDecoder
from lokal.evaluation.likelihood.flat_llama import FlatLlama
from lokal.evaluation.likelihood.scorer import Prompt, Score, Scorer
from lokal.evaluation.likelihood.token_tree import TokenTree
from torch import Tensor
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

PASSAGES = [
    "Turki dikelilingi oleh laut di tiga sisi. " * 4,
    "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं। क्‍षमा करें, दर्शनार्‍थी कल आएँगे। " * 2,
    "Grabe, nag-score ang player sa ika-89 minuto! " * 3,
]
QUESTIONS = ["Apa?", "Di mana letaknya?", "कौन आएगा?", "Sino?"]
CHOICES = ["A", " laut", " ज़िला अस्पताल", " क्‍षमा करें", " ang player sa ika-89 minuto"]


@pytest.fixture(scope="module")
def model(tiny_llama_folder: Path) -> LlamaForCausalLM:
    loaded = LlamaForCausalLM.from_pretrained(tiny_llama_folder, attn_implementation="sdpa").eval()
    with torch.no_grad():  # far from uniform, so that a wrong mask or position shows
        for weight in loaded.model.layers.parameters():
            weight.mul_(8 if weight.dim() > 1 else 1)
    return loaded


@pytest.fixture(scope="module")
def prompts(tiny_llama_folder: Path) -> list[Prompt]:
    """Return prompts that share passages and examples, not in the order of their tokens."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(tiny_llama_folder)
    choices = [_ids(tokenizer, choice) for choice in CHOICES]
    texts = [f"{passage}\n{question}" for question in QUESTIONS for passage in PASSAGES]
    return [Prompt(_ids(tokenizer, text), choices[: 2 + len(text) % 4]) for text in texts]


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _plain(model: LlamaForCausalLM, prompt: Prompt) -> list[Score]:
    found: list[Score] = []
    for continuation in prompt.continuations:
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt.ids, *continuation]])).logits[0].double()
        told = logits.log_softmax(-1)[len(prompt.ids) - 1 : -1]
        logprobs = told[torch.arange(len(continuation)), torch.tensor(continuation)].tolist()
        found.append(Score(logprobs, told.argmax(-1).tolist() == list(continuation)))
    return found


def _assert_equal(
    found: Sequence[Sequence[Score]], expected: Sequence[Sequence[Score]], *, abs: float = 1e-5
) -> None:
    for ours, plain in zip(found, expected, strict=True):
        assert [score.is_greedy for score in ours] == [score.is_greedy for score in plain]
        for one, other in zip(ours, plain, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=abs)


def _with_transformers(model: LlamaForCausalLM, **settings: int) -> Scorer:
    scorer = Scorer(model, **settings)
    scorer._decoder = TransformersDecoder(model)
    return scorer


@pytest.mark.parametrize("batch_tokens", [1, 150, 600, 100_000])
@pytest.mark.parametrize("make", [Scorer, _with_transformers])
def test_scores_equal_plain_forward_passes_whatever_the_batches(
    model: LlamaForCausalLM, prompts: list[Prompt], make: type[Scorer], batch_tokens: int
) -> None:
    found = make(model, batch_tokens=batch_tokens).score(prompts)
    _assert_equal(found, [_plain(model, prompt) for prompt in prompts])


def test_a_prefix_of_several_batches_is_computed_once(
    model: LlamaForCausalLM, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [*prompts[0].ids, *prompts[1].ids, *prompts[2].ids]
    few_shot = [Prompt([*examples, *prompt.ids], prompt.continuations) for prompt in prompts]
    remembered: list[int] = []
    remember = FlatLlama._remember

    def counted(self: FlatLlama, prefix_ids: tuple[int, ...]) -> None:
        remembered.append(len(prefix_ids))
        remember(self, prefix_ids)

    monkeypatch.setattr(FlatLlama, "_remember", counted)
    for make in (Scorer, _with_transformers):
        found = make(model, batch_tokens=len(examples) + 150).score(few_shot)
        _assert_equal(found, [_plain(model, prompt) for prompt in few_shot])
    assert [length >= len(examples) for length in remembered if length] == [True]


def test_bf16_is_as_close_to_fp32_as_plain_forward_passes(
    model: LlamaForCausalLM, prompts: list[Prompt], tiny_llama_folder: Path
) -> None:
    # The tiny model as it is: the one made far from uniform is chaotic in bf16.
    tiny = LlamaForCausalLM.from_pretrained(tiny_llama_folder, dtype=torch.bfloat16).eval()
    exact = [_plain(tiny.float(), prompt) for prompt in prompts]
    found = Scorer(tiny.bfloat16()).score(prompts)
    for ours, plain in zip(found, exact, strict=True):
        assert [score.total for score in ours] == pytest.approx(
            [score.total for score in plain], abs=0.05
        )


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_a_batch_that_memory_does_not_hold_is_halved_with_the_same_scores(
    model: LlamaForCausalLM,
    prompts: list[Prompt],
    error: RuntimeError,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    states = FlatLlama.states

    def small(self: FlatLlama, tree: TokenTree, at_S: Tensor) -> Tensor:
        if len(tree.ids) > 250:
            raise error
        return states(self, tree, at_S)

    monkeypatch.setattr(FlatLlama, "states", small)
    found = Scorer(model, batch_tokens=100_000).score(prompts)
    _assert_equal(found, [_plain(model, prompt) for prompt in prompts])
    assert "out of memory with 12 prompts at once: goes on with 6" in capsys.readouterr().err


def test_memory_too_small_for_one_prompt_is_one_line(
    model: LlamaForCausalLM, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(FlatLlama, "states", never)
    with pytest.raises(RunError, match=r"memory does not hold one prompt: take"):
        Scorer(model).score(prompts)


def test_other_errors_are_not_taken_for_missing_memory(
    model: LlamaForCausalLM, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> Tensor:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(FlatLlama, "states", wrong)
    with pytest.raises(RuntimeError, match="shapes differ"):
        Scorer(model).score(prompts)


def test_a_run_that_goes_on_gets_the_same_digits(
    model: LlamaForCausalLM, prompts: list[Prompt]
) -> None:
    scorer = Scorer(model, batch_tokens=300)
    whole = dict(scorer.stream(prompts))
    done = list(whole)[:5]
    rest = dict(scorer.stream(prompts, skip=done))
    assert set(rest) == set(whole) - set(done)
    assert all(rest[index] == whole[index] for index in rest)


def test_greedy_continuations_are_told(model: LlamaForCausalLM, prompts: list[Prompt]) -> None:
    ids = list(prompts[1].ids)
    for _ in range(3):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    said = ids[-3:]
    other = [*said[:2], (said[2] + 1) % 100]
    ((greedy, first, wrong),) = Scorer(model).score([Prompt(ids[:-3], [said, said[:1], other])])
    assert (greedy.is_greedy, first.is_greedy, wrong.is_greedy) == (True, True, False)


def test_models_that_the_flat_layers_do_not_know_run_through_transformers(
    tiny_llama_folder: Path,
) -> None:
    biased = LlamaForCausalLM.from_pretrained(tiny_llama_folder, attention_bias=True)
    assert isinstance(Scorer(biased)._decoder, TransformersDecoder)
