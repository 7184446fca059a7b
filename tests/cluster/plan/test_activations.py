"""The bytes that a layer keeps are those that PyTorch saves for its backward pass, one by one."""

from pathlib import Path

import pytest
import torch
from lokal.cluster.plan.activations import layer_memory
from lokal.cluster.plan.shapes import ModelShape
from lokal.data.batches import collate
from lokal.data.chat import EncodedConversation
from lokal.data.hardware import Precision
from lokal.training.hf_stack import load_hf_model
from lokal.training.kernels import Kernels
from lokal.training.settings import MethodConfig
from transformers import LlamaConfig, LlamaForCausalLM

# odd sizes, so that no two terms of the formula can stand for each other
SHAPE = ModelShape(
    hidden=64,
    intermediate=104,
    layers=3,
    heads=8,
    kv_heads=2,
    head_size=8,
    vocabulary=96,
    is_tied=True,
)
ROWS = 2


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return models of three and of four layers: their difference is one layer."""
    found = {layers: tmp_path_factory.mktemp(f"layers{layers}") for layers in (3, 4)}
    for layers, folder in found.items():
        config = LlamaConfig(
            vocab_size=SHAPE.vocabulary,
            hidden_size=SHAPE.hidden,
            intermediate_size=SHAPE.intermediate,
            num_hidden_layers=layers,
            num_attention_heads=SHAPE.heads,
            num_key_value_heads=SHAPE.kv_heads,
            tie_word_embeddings=True,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
    return found


def saved_bytes(
    folder: Path, method: MethodConfig, dtype: torch.dtype, *, fused: bool, tokens: int, docs: int
) -> int:
    """Return the bytes of all tensors that a forward pass saves, weights left out."""
    model = load_hf_model(folder, method, dtype=dtype, seed=0, kernels=Kernels(fused=fused))
    document = EncodedConversation([5] * (tokens // docs + 1), [True] * (tokens // docs + 1), 0)
    batch = collate([[document] * docs] * ROWS, prefix=[], pad_id=0, with_mask=model.needs_mask)
    own = {p.untyped_storage().data_ptr() for p in model.module.parameters()}
    seen: dict[int, int] = {}
    held: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.module(batch)
    return sum(seen.values())


@pytest.mark.parametrize("method", ["full", "lora", "dora"])
@pytest.mark.parametrize("precision", [Precision.bf16, Precision.fp32])
@pytest.mark.parametrize("way", ["plain", "fused", "packed"])
def test_a_layer_keeps_what_the_formula_says(
    make_job, folders: dict[int, Path], method: str, precision: Precision, way: str
):
    if method == "dora" and way == "fused":
        pytest.skip("lokal's own layers do not know dora")
    docs = 2 if way == "packed" else 1
    kwargs = {"fused": way == "fused", "docs": docs}
    dtype = torch.bfloat16 if precision is Precision.bf16 else torch.float32

    def planned(tokens: int) -> float:
        job = make_job(
            shape=SHAPE,
            method=method,
            strategy="single",
            on_gpu=False,
            precision=precision,
            row_tokens=tokens,
            micro_rows=ROWS,
            rows_per_step=ROWS,
            is_packed=way == "packed",
            fused=way == "fused",
        )
        return layer_memory(job).kept

    config = make_job(method=method).method

    def one_layer(tokens: int) -> int:
        parts = [
            saved_bytes(folders[layers], config, dtype, tokens=tokens, **kwargs)
            for layers in (4, 3)
        ]
        return parts[0] - parts[1]

    # the difference of two lengths leaves out what does not grow with tokens
    assert planned(64) - planned(32) == one_layer(64) - one_layer(32)
