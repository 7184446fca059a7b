"""lokal's own layers give the losses and gradients of Transformers and PEFT."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from lokal.data.batches import Batch, collate
from lokal.data.flat_batch import flatten
from lokal.data.tokens import TokenRows, write_tokens
from lokal.training.fused_llama import can_fuse
from lokal.training.hf_stack import load_hf_model
from lokal.training.kernels import Kernels
from lokal.training.loss import cross_entropies
from lokal.training.settings import MethodConfig, MethodKind
from lokal.training.stack import TrainableModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoTokenizer

ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FULL = MethodConfig(kind=MethodKind.full)
LORA = MethodConfig(kind=MethodKind.lora, rank=4, targets=ALL_LINEAR)


class Outcome(NamedTuple):
    losses_N: Tensor
    gradients: dict[str, Tensor]


@pytest.fixture(scope="module")
def rows(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> TokenRows:
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(
        folder, tiny_corpus, tokenizer, sources={"task": 1}, max_tokens=256, plain_text=False
    )
    return TokenRows.open(folder)


def batch_of(rows: TokenRows, *, packed: bool, shared: bool) -> Batch:
    chosen = [rows.row(index) for index in range(9)]
    prefix = chosen[0].ids[:9] if shared else []
    packs = [chosen[:4], chosen[4:]] if packed else [[row] for row in chosen]
    return collate(packs, prefix=prefix, pad_id=2)


def load(folder: Path, method: MethodConfig, dtype: torch.dtype, *, fused: bool) -> TrainableModel:
    model = load_hf_model(folder, method, dtype=dtype, seed=0, kernels=Kernels(fused=fused))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.trained().items():
        if "lora_B" in name:  # zero at first, which would hide the gradient of A
            values = torch.randn(parameter.shape, generator=generator)
            parameter.data.copy_(0.1 * values)
    return model


def outcome(
    folder: Path,
    method: MethodConfig,
    batch: Batch,
    *,
    fused: bool,
    dtype: torch.dtype = torch.float32,
) -> Outcome:
    model = load(folder, method, dtype, fused=fused)
    losses_N = model.module(batch)
    # Each target weighs differently: an error in one would else hide in the sum.
    (losses_N * torch.linspace(0.5, 1.5, len(losses_N))).sum().backward()
    gradients = {name: value.grad for name, value in model.trained().items()}
    return Outcome(
        losses_N.detach(), {name: grad for name, grad in gradients.items() if grad is not None}
    )


@pytest.mark.parametrize("shared", [False, True], ids=["whole rows", "shared prefix"])
@pytest.mark.parametrize("packed", [False, True], ids=["buckets", "packed"])
@pytest.mark.parametrize(
    "method",
    [
        LORA,
        FULL,
        MethodConfig(kind=MethodKind.lora, rank=4, targets=["q_proj", "v_proj", "down_proj"]),
        MethodConfig(kind=MethodKind.lora, rank=4, targets=ALL_LINEAR, first_layer=1),
        MethodConfig(kind=MethodKind.full, first_layer=1),
    ],
    ids=["lora", "full", "lora on q, v and down", "lora on the upper layer", "full upper layer"],
)
def test_fused_layers_equal_transformers_and_peft_to_1e_5(
    rows: TokenRows, tiny_llama_folder: Path, method: MethodConfig, packed: bool, shared: bool
):
    batch = batch_of(rows, packed=packed, shared=shared)
    theirs = outcome(tiny_llama_folder, method, batch, fused=False)
    ours = outcome(tiny_llama_folder, method, batch, fused=True)
    torch.testing.assert_close(ours.losses_N, theirs.losses_N, atol=1e-5, rtol=0)
    assert ours.gradients.keys() == theirs.gradients.keys()
    for name, gradient in theirs.gradients.items():
        error = (ours.gradients[name] - gradient).norm() / gradient.norm()
        assert error < 1e-5, name


def test_fused_layers_in_bf16_are_no_farther_from_fp32_than_transformers_and_peft(
    rows: TokenRows, tiny_llama_folder: Path
):
    batch = batch_of(rows, packed=False, shared=True)
    exact = outcome(tiny_llama_folder, LORA, batch, fused=False)
    distances: list[float] = []
    for fused in (True, False):
        rough = outcome(tiny_llama_folder, LORA, batch, fused=fused, dtype=torch.bfloat16)
        errors = [
            float((rough.gradients[name] - grad).norm()) for name, grad in exact.gradients.items()
        ]
        distances.append(sum(error**2 for error in errors) ** 0.5)
        torch.testing.assert_close(rough.losses_N, exact.losses_N, atol=0.05, rtol=0)
    assert distances[0] < 1.2 * distances[1]


def test_fused_layers_follow_the_optimizer(rows: TokenRows, tiny_llama_folder: Path):
    batch = batch_of(rows, packed=False, shared=False)
    losses: list[Tensor] = []
    for fused in (True, False):
        model = load(tiny_llama_folder, LORA, torch.float32, fused=fused)
        optimizer = torch.optim.SGD(model.trained().values(), lr=0.1)
        for _ in range(3):
            model.module(batch).mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        losses.append(model.module(batch).detach())
    torch.testing.assert_close(*losses, atol=1e-5, rtol=1e-5)


def test_adapters_that_the_fused_layers_do_not_know_are_left_to_peft(
    rows: TokenRows, tiny_llama_folder: Path
):
    method = MethodConfig(kind=MethodKind.lora, rank=4, targets=ALL_LINEAR, dropout=0.1)
    model = load_hf_model(
        tiny_llama_folder, method, dtype=torch.float32, seed=0, kernels=Kernels(fused=True)
    )
    llama = model.module.get_submodule("llama")
    assert not can_fuse(llama)  # pyright: ignore[reportArgumentType]
    model.module(batch_of(rows, packed=False, shared=False)).sum().backward()


def test_a_frozen_head_scales_each_rows_gradient_by_its_own_weight():
    generator = torch.Generator().manual_seed(0)
    head = nn.Linear(8, 700, bias=False).requires_grad_(requires_grad=False)
    targets_N = torch.randint(700, (300,), generator=generator)  # more than one chunk
    weights_N = torch.rand(300, generator=generator)
    gradients: list[Tensor] = []
    losses: list[Tensor] = []
    for own in (True, False):
        hidden_ND = torch.randn(300, 8, generator=generator.manual_seed(1)).requires_grad_()
        losses_N = (
            cross_entropies(hidden_ND, head, targets_N)
            if own
            else functional.cross_entropy(head(hidden_ND), targets_N, reduction="none")
        )
        (losses_N * weights_N).sum().backward()
        assert hidden_ND.grad is not None
        gradients.append(hidden_ND.grad)
        losses.append(losses_N.detach())
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-5)


def test_a_flat_batch_holds_the_prefix_once_and_no_padding(rows: TokenRows):
    batch = batch_of(rows, packed=True, shared=True)
    flat = flatten(batch)
    chosen = [rows.row(index) for index in range(9)]
    expected = chosen[0].ids[:9] + [token for row in chosen for token in row.ids[9:-1]]
    assert flat.ids_N.tolist() == expected
    assert sum(flat.lengths) + 9 == len(expected)
    assert flat.positions_N.tolist()[:9] == list(range(9))
    for at, in_rows in zip(flat.target_at_M, batch.target_at_N, strict=True):
        assert flat.ids_N[at] == batch.ids_BT.flatten()[in_rows]
