"""Weights that come after a model is split are those that come with it."""

from pathlib import Path

import pytest
import torch
from lokal.data.errors import UserError
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodKind
from safetensors.torch import load_file, save_file

from .llama_cases import make_llama, make_method

CPU = torch.device("cpu")
METHODS = {
    "full": make_method(MethodKind.full),
    "full of the upper layer": make_method(MethodKind.full, first_layer=1),
    "lora": make_method(MethodKind.lora),
    "lora and embedding": make_method(MethodKind.lora, train_embeddings=True),
    "lora and a head of its own": make_method(MethodKind.lora, train_head=True),
    "dora": make_method(MethodKind.dora),
}


@pytest.mark.parametrize("is_tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("method", METHODS)
def test_every_value_equals_that_of_a_model_loaded_whole(
    tmp_path: Path, method: str, is_tied: bool
):
    folder = make_llama(tmp_path, tie_word_embeddings=is_tied)
    for dtype in (torch.float32, torch.bfloat16):
        whole = load_hf_model(folder, METHODS[method], dtype=dtype, seed=3)
        late = load_hf_model(folder, METHODS[method], dtype=dtype, seed=3, late=True)
        assert late.fill is not None
        late.fill(CPU)
        wanted = dict(whole.module.named_parameters(remove_duplicate=False))
        found = dict(late.module.named_parameters(remove_duplicate=False))
        assert list(found) == list(wanted)
        assert list(late.trained()) == list(whole.trained())
        assert list(late.saved()) == list(whole.saved())  # tied weights are one
        for name, value in wanted.items():
            assert found[name].dtype is value.dtype, name
            assert torch.equal(found[name], value), name
        buffers = zip(late.module.buffers(), whole.module.buffers(), strict=True)
        assert all(torch.equal(ours, theirs) for ours, theirs in buffers)


def test_until_then_only_adapters_take_memory(tmp_path: Path):
    model = load_hf_model(
        make_llama(tmp_path), METHODS["lora"], dtype=torch.float32, seed=3, late=True
    )
    for name, value in model.module.named_parameters():
        assert value.is_meta != ("lora_" in name), name


def test_a_checkpoint_in_parts_is_read_and_one_that_lacks_a_weight_is_named(tmp_path: Path):
    folder = make_llama(tmp_path)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for number, half in enumerate((names[::2], names[1::2]), start=1):
        part = {name: weights[name] for name in half}
        save_file(part, folder / f"model-0000{number}-of-00002.safetensors")
    model = load_hf_model(folder, METHODS["full"], dtype=torch.float32, seed=3, late=True)
    assert model.fill is not None
    model.fill(CPU)
    found = {name.removeprefix("llama."): value for name, value in model.saved().items()}
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(UserError, match=rf"lacks the weight {names[1]}: fetch or convert it again"):
        model.fill(CPU)
