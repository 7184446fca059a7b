"""A trained embedding or head is never lost, tied or not, whoever opens what was saved."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lokal.data.errors import UserError
from lokal.training.hf_stack import load_hf_model
from lokal.training.kernels import Kernels
from lokal.training.settings import MethodKind
from lokal.training.stack import TrainableModel
from lokal.training.torchtune_stack import load_torchtune_model
from peft import PeftModel
from transformers import LlamaConfig, LlamaForCausalLM

from .llama_cases import IDS_BT, logits_of, make_batch, make_llama, make_method, save, train

Load = Callable[..., TrainableModel]
stacks = pytest.mark.parametrize(
    "load", [load_hf_model, load_torchtune_model], ids=["hf", "torchtune"]
)
CHOICES = [
    {"train_embeddings": embedding, "train_head": head}
    for embedding, head in ((True, None), (False, True), (True, True))
]
choices = pytest.mark.parametrize("choice", CHOICES, ids=["embedding", "head", "both"])
ties = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])


def load_small(load: Load, folder: Path, kind: MethodKind, **choice: object) -> TrainableModel:
    return load(folder, make_method(kind, **choice), dtype=torch.float32, seed=0)


def opened_logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(IDS_BT).logits


@stacks
@ties
@choices
@pytest.mark.parametrize("kind", [MethodKind.lora, MethodKind.dora], ids=["lora", "dora"])
def test_the_adapter_opens_and_merges_with_the_live_logits_to_1e_4(
    tmp_path: Path, load: Load, tied: bool, choice: dict[str, object], kind: MethodKind
):
    folder = make_llama(tmp_path / "base", tie_word_embeddings=tied)
    model = load_small(load, folder, kind, **choice)
    train(model, [make_batch()] * 3)
    adapter = save(model, tmp_path / "adapter")
    live = logits_of(model, IDS_BT)
    base = LlamaForCausalLM.from_pretrained(folder)
    assert (opened_logits(base) - live).abs().max() > 0.1
    opened = PeftModel.from_pretrained(base, str(adapter))
    torch.testing.assert_close(opened_logits(opened), live, atol=1e-4, rtol=0)
    opened.merge_and_unload().save_pretrained(tmp_path / "merged")  # pyright: ignore[reportCallIssue]
    merged = LlamaForCausalLM.from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(opened_logits(merged), live, atol=1e-4, rtol=0)
    assert merged.config.tie_word_embeddings == (tied and bool(choice["train_embeddings"]))


@stacks
@ties
@choices
def test_a_whole_model_opens_with_the_live_logits_to_1e_4(
    tmp_path: Path, load: Load, tied: bool, choice: dict[str, object]
):
    folder = make_llama(tmp_path / "base", tie_word_embeddings=tied)
    model = load_small(load, folder, MethodKind.full, **choice)
    train(model, [make_batch()] * 2)
    opened = LlamaForCausalLM.from_pretrained(save(model, tmp_path / "model"))
    live = logits_of(model, IDS_BT)
    torch.testing.assert_close(opened_logits(opened), live, atol=1e-4, rtol=0)
    assert opened.config.tie_word_embeddings == (tied and bool(choice["train_embeddings"]))


@ties
@choices
def test_both_stacks_train_them_to_the_same_losses_to_1e_4(
    tmp_path: Path, tied: bool, choice: dict[str, object]
):
    folder = make_llama(tmp_path, tie_word_embeddings=tied)
    hf, tune = (
        train(load_small(load, folder, MethodKind.lora, **choice), [make_batch()] * 4)
        for load in (load_hf_model, load_torchtune_model)
    )
    assert tune == pytest.approx(hf, abs=1e-4)


@ties
@choices
def test_lokals_own_layers_train_them_to_the_same_losses_to_1e_4(
    tmp_path: Path, tied: bool, choice: dict[str, object]
):
    folder = make_llama(tmp_path, tie_word_embeddings=tied)
    method = make_method(MethodKind.lora, first_layer=1, **choice)
    plain, fused = (
        train(
            load_hf_model(folder, method, dtype=torch.float32, seed=0, kernels=Kernels(fused=on)),
            [make_batch()] * 4,
        )
        for on in (False, True)
    )
    assert fused == pytest.approx(plain, abs=1e-4)


@stacks
@ties
def test_their_rate_of_their_own_moves_them_less_and_the_rest_as_before(
    tmp_path: Path, load: Load, tied: bool
):
    folder = make_llama(tmp_path, tie_word_embeddings=tied)
    both = {"train_embeddings": True, "train_head": True}
    # The first step of Adam moves each weight by the whole rate, whatever its gradient is.
    moved: list[dict[str, float]] = []
    for ratio in (1.0, 0.25):
        model = load_small(load, folder, MethodKind.lora, **both, embedding_lr_ratio=ratio)
        before = {name: value.detach().clone() for name, value in model.trained().items()}
        train(model, [make_batch()])
        moved.append(
            {
                name: float((value.detach() - before[name]).abs().max())
                for name, value in model.trained().items()
            }
        )
    whole, less = moved
    own = [name for name in whole if "lora" not in name]
    assert len(own) == (1 if tied else 2)
    for name, distance in whole.items():
        factor = 0.25 if name in own else 1.0
        assert less[name] == pytest.approx(distance * factor, rel=1e-2), name


@stacks
def test_padding_with_the_end_of_turn_leaves_its_embedding_its_gradient(tmp_path: Path, load: Load):
    gradients: list[torch.Tensor] = []
    folder = make_llama(tmp_path, tie_word_embeddings=False)
    config = LlamaConfig.from_pretrained(folder)
    for pad in (None, 5):  # 5 stands in the rows, as an end of turn would
        config.pad_token_id = pad
        config.save_pretrained(folder)
        model = load_small(load, folder, MethodKind.full)
        model.module(make_batch()).sum().backward()
        name = next(name for name in model.trained() if "embed" in name)
        gradient = model.trained()[name].grad
        assert gradient is not None
        gradients.append(gradient)
    assert gradients[0][5].abs().max() > 0
    torch.testing.assert_close(gradients[1][5], gradients[0][5])


@stacks
@pytest.mark.parametrize("kind", [MethodKind.lora, MethodKind.full], ids=["lora", "full"])
def test_a_tied_head_cannot_stay_while_its_embedding_is_trained(
    tmp_path: Path, load: Load, kind: MethodKind
):
    folder = make_llama(tmp_path)
    with pytest.raises(UserError, match=r"ties its head to its embedding: .* set both to false"):
        load_small(load, folder, kind, train_embeddings=True, train_head=False)


def test_making_a_tied_head_its_own_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    load_small(load_hf_model, make_llama(tmp_path), MethodKind.lora, train_head=True)
    assert "makes it a matrix of its own" in capsys.readouterr().err


def test_a_rate_without_anything_to_train_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"embedding_lr_ratio=0\.1 has no effect"):
        load_small(load_hf_model, make_llama(tmp_path), MethodKind.lora, embedding_lr_ratio=0.1)
    with pytest.raises(ValueError, match="embedding_lr_ratio must be above 0"):
        make_method(MethodKind.full, embedding_lr_ratio=0.0)
