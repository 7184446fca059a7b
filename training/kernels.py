"""Which kernels compute the decoder's layers: picked by what is installed, or as the user says."""

# N tokens of all documents of a batch, one behind the other; K documents

import importlib.util
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from ..data.errors import UserError
from .finetune_config import FinetuneConfig
from .settings import AttentionKind, Recompute, Stack, StrategyKind

_FLASH_CAPABILITY = 8
"""FlashAttention-2 wants Ampere or newer."""
_NAMES = {
    AttentionKind.sdpa: "sdpa",
    AttentionKind.flash: "flash_attention_2",
    AttentionKind.flex: "flex_attention",
}


class Kernels(NamedTuple):
    """What computes the layers of ``stack=hf``."""

    attention: AttentionKind = AttentionKind.sdpa
    """Never ``auto``."""
    fused: bool = False
    """lokal's own layers where the model is one that they know; they have their own attention."""
    liger: bool = False

    @property
    def takes_flat_rows(self) -> bool:
        """Return whether documents stand one behind the other, without padding and mask."""
        return self.attention in (AttentionKind.flash, AttentionKind.flex)

    @property
    def transformers_name(self) -> str:
        """Return what Transformers calls the attention."""
        return _NAMES[self.attention]

    @property
    def words(self) -> str:
        """Return what the log says."""
        chosen = "own layers where known" if self.fused else f"attention {self.attention.name}"
        return f"{chosen}, Liger's kernels" if self.liger else chosen


PLAIN = Kernels()
"""Transformers' own layers."""


class FlatAttention(TypedDict):
    """What Transformers hands on to an attention over documents one behind the other."""

    cu_seq_lens_q: Tensor
    """Where each document begins, and the end: [K + 1], int32."""
    cu_seq_lens_k: Tensor
    max_length_q: int
    """Tokens of the longest document."""
    max_length_k: int


def choose_kernels(config: FinetuneConfig, *, device: torch.device, dtype: torch.dtype) -> Kernels:
    """Return the kernels for this machine.

    ``auto`` takes lokal's own layers on a CPU while every process holds whole weights,
    FlashAttention on a GPU that can, and PyTorch's attention else.

    Raises:
        UserError: a wish that this machine, its packages or the stack cannot meet.
    """
    training = config.training
    if training.liger:
        _require(
            "training.liger=true", _why_no_liger(config.stack, device), cure="training.liger=false"
        )
    attention = training.attention
    if attention is AttentionKind.auto:
        can_flash = not _why_no_flash(config.stack, device, dtype)
        attention = AttentionKind.flash if can_flash else AttentionKind.sdpa
    elif attention is not AttentionKind.sdpa:
        reason = (
            _why_no_flash(config.stack, device, dtype)
            if attention is AttentionKind.flash
            else _why_no_flex(config.stack, device)
        )
        _require(f"training.attention={attention.name}", reason, cure="training.attention=auto")
    return Kernels(attention, fused=_fuses(config, device), liger=training.liger)


def apply_liger(llama: LlamaForCausalLM) -> None:
    """Put Liger's norms, rotation and gate into the model; the loss stays ours (``loss.py``)."""
    from liger_kernel.transformers import apply_liger_kernel_to_llama  # pyright: ignore

    apply_liger_kernel_to_llama(
        rope=True,
        rms_norm=True,
        swiglu=True,
        cross_entropy=False,
        fused_linear_cross_entropy=False,
        model=llama,
    )


def flat_attention(lengths: Sequence[int], *, device: torch.device) -> FlatAttention:
    """Return where documents of these lengths lie, in the form that FlashAttention takes."""
    starts_K = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
    longest = max(lengths)
    return FlatAttention(
        cu_seq_lens_q=starts_K, cu_seq_lens_k=starts_K, max_length_q=longest, max_length_k=longest
    )


def _fuses(config: FinetuneConfig, device: torch.device) -> bool:
    """Return whether lokal's own layers are wanted, and every process holds whole weights.

    They keep little as it is: activation checkpointing and compiling are of Transformers' layers.
    """
    training = config.training
    holds_all = config.strategy.kind in (StrategyKind.single, StrategyKind.ddp)
    others = training.compile or training.activation_checkpointing is not Recompute.none
    by_itself = training.fused and training.attention is AttentionKind.auto
    return by_itself and device.type == "cpu" and holds_all and not others


def _why_no_flash(stack: Stack, device: torch.device, dtype: torch.dtype) -> str:
    """Return what is missing for FlashAttention, or nothing."""
    if stack is not Stack.hf:
        return "is for stack=hf"
    if device.type != "cuda":
        return "needs a CUDA device, this machine has none"
    if torch.cuda.get_device_capability(device)[0] < _FLASH_CAPABILITY:
        return f"needs an Ampere GPU or a newer one, got {torch.cuda.get_device_name(device)}"
    if dtype is not torch.bfloat16:
        return "needs training.precision=bf16"
    if importlib.util.find_spec("flash_attn") is None:
        return "needs the package flash-attn (pip install flash-attn --no-build-isolation)"
    return ""


def _why_no_flex(stack: Stack, device: torch.device) -> str:
    if stack is not Stack.hf:
        return "is for stack=hf"
    if device.type != "cuda":
        return "needs a CUDA device: PyTorch has no backward pass of it on a CPU"
    return ""


def _why_no_liger(stack: Stack, device: torch.device) -> str:
    if stack is not Stack.hf:
        return "is for stack=hf"
    if device.type != "cuda":
        return "needs a CUDA device, this machine has none"
    if importlib.util.find_spec("liger_kernel") is None:
        return "needs the package liger-kernel (pip install 'lokal[liger]')"
    return ""


def _require(wish: str, reason: str, *, cure: str) -> None:
    if reason:
        raise UserError(f"{wish} {reason}: set {cure}")
