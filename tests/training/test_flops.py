"""A step's arithmetic is what PyTorch counts in the products of a plain Llama."""

from pathlib import Path

import pytest
import torch
from lokal.training.flops import step_flops
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodConfig, MethodKind
from lokal.training.throughput import read_shape
from torch.utils.flop_counter import FlopCounterMode

from .llama_cases import TARGETS, make_batch, make_llama

LAYERS = {"num_hidden_layers": 4}


def counted(folder: Path, method: MethodConfig) -> float:
    """Return the FLOP of one pass forward and back, attention left out."""
    model = load_hf_model(folder, method, dtype=torch.float32, seed=0)
    model.module.train()
    with FlopCounterMode(display=False) as counter:
        model.module(make_batch()).sum().backward()
    by_operator = counter.get_flop_counts()["Global"]
    return sum(number for operator, number in by_operator.items() if "mm" in str(operator))


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        (MethodConfig(kind=MethodKind.full), 0.01),
        (MethodConfig(kind=MethodKind.full, first_layer=2), 0.01),
        # The adapters' own products are left out, and below the first one nothing is passed back.
        (MethodConfig(kind=MethodKind.lora, rank=1, targets=TARGETS), 0.08),
        (MethodConfig(kind=MethodKind.lora, rank=1, targets=TARGETS, first_layer=2), 0.08),
    ],
    ids=["full", "full upper half", "lora", "lora upper half"],
)
def test_counts_the_products_that_pytorch_counts(
    tmp_path: Path, method: MethodConfig, tolerance: float
):
    folder = make_llama(tmp_path, **LAYERS, hidden_size=128, intermediate_size=384)
    shape = read_shape(folder)
    assert shape is not None
    batch = make_batch()
    flops = step_flops(
        shape,
        method,
        document_tokens=[1] * batch.ids_BT.numel(),  # attention of single tokens: next to nothing
        trained_tokens=len(batch.targets_N),
    )
    assert flops == pytest.approx(counted(folder, method), rel=tolerance)


def test_attention_grows_with_the_square_of_a_document_and_packing_adds_none(tmp_path: Path):
    shape = read_shape(make_llama(tmp_path))
    assert shape is not None
    method = MethodConfig(kind=MethodKind.full)

    def of(*documents: int) -> float:
        return step_flops(shape, method, document_tokens=documents, trained_tokens=0)

    two, one = of(64, 64), of(128)
    # Scores and weighted sum, half of each, three times with the backward pass, in two layers.
    assert one - two == 3 * 2 * 2 * shape.heads * shape.head_size * (128**2 - 2 * 64**2)
