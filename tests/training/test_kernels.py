"""Which kernels are chosen, what is refused, and that flat rows give the losses of masked ones."""

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from lokal.data.batches import Batch, BatchPlan
from lokal.data.errors import UserError
from lokal.data.tokens import TokenRows, write_tokens
from lokal.recipes.finetune import finetune
from lokal.training.feed import Feed
from lokal.training.finetune_config import FinetuneConfig
from lokal.training.hf_stack import load_hf_model
from lokal.training.kernels import Kernels, choose_kernels, flat_attention
from lokal.training.settings import AttentionKind, MethodConfig, MethodKind
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoTokenizer
from transformers.modeling_flash_attention_utils import prepare_fa_kwargs_from_position_ids
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
FP32, BF16 = torch.float32, torch.bfloat16
FULL = MethodConfig(kind=MethodKind.full)
LORA = MethodConfig(kind=MethodKind.lora, rank=4, targets=["q_proj", "v_proj", "down_proj"])


def config(*words: str) -> FinetuneConfig:
    return finetune.compose(["name=kernels", *words])


def pretend(
    monkeypatch: pytest.MonkeyPatch, *packages: str, capability: tuple[int, int] = (9, 0)
) -> None:
    """Make the machine look like one with a GPU and these packages."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in packages else None)


def test_a_cpu_keeps_lokals_own_layers_unless_an_attention_is_named():
    assert choose_kernels(config(), device=CPU, dtype=BF16) == Kernels(fused=True)
    named = config("training.attention=sdpa")
    assert choose_kernels(named, device=CPU, dtype=BF16) == Kernels(AttentionKind.sdpa)
    split = config("strategy=fsdp")
    assert choose_kernels(split, device=CPU, dtype=BF16) == Kernels(AttentionKind.sdpa)


def test_a_gpu_takes_flash_where_it_is_installed_and_products_are_bf16(
    monkeypatch: pytest.MonkeyPatch,
):
    pretend(monkeypatch, "flash_attn")
    assert choose_kernels(config(), device=CUDA, dtype=BF16).attention is AttentionKind.flash
    assert choose_kernels(config(), device=CUDA, dtype=FP32).attention is AttentionKind.sdpa
    other_stack = config("stack=torchtune")
    assert choose_kernels(other_stack, device=CUDA, dtype=BF16).attention is AttentionKind.sdpa
    pretend(monkeypatch, "flash_attn", capability=(7, 5))
    assert choose_kernels(config(), device=CUDA, dtype=BF16).attention is AttentionKind.sdpa
    pretend(monkeypatch)
    assert choose_kernels(config(), device=CUDA, dtype=BF16).attention is AttentionKind.sdpa
    flex = config("training.attention=flex")
    assert choose_kernels(flex, device=CUDA, dtype=FP32) == Kernels(AttentionKind.flex)


@pytest.mark.parametrize(
    ("words", "device", "dtype", "message"),
    [
        ("training.attention=flash", CPU, BF16, "flash needs a CUDA device.*attention=auto"),
        ("training.attention=flash", CUDA, FP32, "flash needs training.precision=bf16"),
        ("training.attention=flash", CUDA, BF16, "flash needs the package flash-attn"),
        ("training.attention=flash stack=torchtune", CUDA, BF16, "flash is for stack=hf"),
        ("training.attention=flex", CPU, FP32, "flex needs a CUDA device: .* no backward pass"),
        ("training.attention=flex stack=torchtune", CUDA, FP32, "flex is for stack=hf"),
        ("training.liger=true", CPU, BF16, "liger=true needs a CUDA device.*liger=false"),
        ("training.liger=true", CUDA, BF16, r"needs the package liger-kernel .*lokal\[liger\]"),
        ("training.liger=true stack=torchtune", CUDA, BF16, "liger=true is for stack=hf"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    device: torch.device,
    dtype: torch.dtype,
    message: str,
):
    pretend(monkeypatch)
    with pytest.raises(UserError, match=message) as refusal:
        choose_kernels(config(*words.split()), device=device, dtype=dtype)
    assert "\n" not in str(refusal.value)


def test_an_old_gpu_is_named_when_flash_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, "flash_attn", capability=(7, 5))
    with pytest.raises(UserError, match="flash needs an Ampere GPU or a newer one, got Some GPU"):
        choose_kernels(config("training.attention=flash"), device=CUDA, dtype=BF16)


def test_flex_is_refused_on_a_cpu_because_torch_has_no_backward_pass_of_it():
    from torch.nn.attention.flex_attention import flex_attention

    query = torch.ones(1, 1, 8, 8, requires_grad=True)
    with pytest.raises(NotImplementedError, match="does not support backward on CPU"):
        flex_attention(query, query, query)


def test_liger_gets_norms_rotation_and_gate_and_leaves_the_loss_to_us(
    monkeypatch: pytest.MonkeyPatch, tiny_llama_folder: Path
):
    seen: dict[str, object] = {}
    package, transformers = ModuleType("liger_kernel"), ModuleType("liger_kernel.transformers")
    transformers.__dict__["apply_liger_kernel_to_llama"] = lambda **words: seen.update(words)
    monkeypatch.setitem(sys.modules, "liger_kernel", package)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers", transformers)
    model = load_hf_model(tiny_llama_folder, LORA, dtype=FP32, seed=0, kernels=Kernels(liger=True))
    assert seen.pop("model") is model.module.get_submodule("llama")
    on, off = ("rope", "rms_norm", "swiglu"), ("cross_entropy", "fused_linear_cross_entropy")
    assert seen == dict.fromkeys(on, True) | dict.fromkeys(off, False)


@pytest.fixture(scope="module")
def rows(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> TokenRows:
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(folder, tiny_corpus, tokenizer, sources={"task": 1}, max_tokens=256)
    return TokenRows.open(folder)


def packed_batch(rows: TokenRows, *, with_mask: bool) -> Batch:
    """Return two best-fit packs of several documents each."""
    plan = BatchPlan(rows.lengths(), rows_per_step=2, pack_tokens=256, seed=0)
    feed = Feed(rows=rows, plan=plan, prefix=[], pad_id=2, micro_rows=2, with_mask=with_mask)
    batch = feed.micro_batches(0, rank=0, num_ranks=1)[0][0]
    assert len(batch.lengths) == 2
    assert all(len(documents) > 1 for documents in batch.lengths)
    return batch


def test_documents_begin_where_transformers_finds_them_by_their_positions(rows: TokenRows):
    batch = packed_batch(rows, with_mask=False)
    lengths = [length for documents in batch.lengths for length in documents]
    positions_M = torch.cat([torch.arange(length) for length in lengths])
    (starts_K, _), (longest, _) = prepare_fa_kwargs_from_position_ids(positions_M[None])
    ours = flat_attention(lengths, device=CPU)
    assert ours["cu_seq_lens_q"].dtype is torch.int32
    assert torch.equal(ours["cu_seq_lens_q"], starts_K)
    assert ours["max_length_q"] == int(longest)
    assert starts_K[-1] == len(positions_M)


def varlen_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    cu_seq_lens_q: Tensor,
    **words: object,
) -> tuple[Tensor, None]:
    """Stand in for FlashAttention: each document by itself, from where the arguments say."""
    assert attention_mask is None
    outputs: list[Tensor] = []
    for start, end in pairwise(cu_seq_lens_q.tolist()):
        q, k, v = (states[:, :, start:end] for states in (query, key, value))
        outputs.append(scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))
    return torch.cat(outputs, dim=2).transpose(1, 2), None


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
def test_flat_rows_by_their_lengths_give_the_losses_and_gradients_of_a_mask_to_1e_5(
    monkeypatch: pytest.MonkeyPatch, rows: TokenRows, tiny_llama_folder: Path, method: MethodConfig
):
    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS, "varlen", varlen_attention)
    flat = Kernels(AttentionKind.flash)
    with monkeypatch.context() as patch:
        patch.setattr(Kernels, "transformers_name", "varlen")
        model = load_hf_model(tiny_llama_folder, method, dtype=FP32, seed=0, kernels=flat)
    assert not model.needs_mask
    assert not model.shares_prefix
    losses_N = model.module(packed_batch(rows, with_mask=False))
    losses_N.mean().backward()
    plain = load_hf_model(tiny_llama_folder, method, dtype=FP32, seed=0)
    masked_N = plain.module(packed_batch(rows, with_mask=True))
    masked_N.mean().backward()
    torch.testing.assert_close(losses_N, masked_N, atol=1e-5, rtol=0)
    for name, parameter in plain.trained().items():
        torch.testing.assert_close(model.trained()[name].grad, parameter.grad, atol=1e-5, rtol=0)


def test_flex_gives_the_losses_of_a_mask_to_1e_5(rows: TokenRows, tiny_llama_folder: Path):
    flat = Kernels(AttentionKind.flex)
    model = load_hf_model(tiny_llama_folder, FULL, dtype=FP32, seed=0, kernels=flat)
    plain = load_hf_model(tiny_llama_folder, FULL, dtype=FP32, seed=0)
    # Without compiling: the same arithmetic, and no C++ compiler is asked of a test.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        losses_N = model.module(packed_batch(rows, with_mask=False))
        masked_N = plain.module(packed_batch(rows, with_mask=True))
    torch.testing.assert_close(losses_N, masked_N, atol=1e-5, rtol=0)


def test_a_batch_has_no_mask_where_the_model_goes_by_lengths(
    rows: TokenRows, tiny_llama_folder: Path
):
    assert packed_batch(rows, with_mask=True).mask_BTS is not None
    assert packed_batch(rows, with_mask=False).mask_BTS is None
    fused = Kernels(fused=True)
    own = load_hf_model(tiny_llama_folder, LORA, dtype=FP32, seed=0, kernels=fused)
    assert not own.needs_mask
    unknown = replace(LORA, dropout=0.1)
    model = load_hf_model(tiny_llama_folder, unknown, dtype=FP32, seed=0, kernels=fused)
    assert model.needs_mask
