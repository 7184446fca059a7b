"""The two halves of a Llama layer as autograd functions that keep little and add little.

Each half is norm, products, and the way back around them. What it keeps for the backward pass is
its inputs to the products; what is cheap to compute again is computed again.
"""

# N tokens, D hidden size, H heads (queries, keys and values together), C size of a head

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from . import fused_pointwise as pointwise
from .fused_attention import Documents, attend, attend_backward
from .fused_linear import FusedLinear


@dataclass(frozen=True, slots=True)
class Norm:
    """An RMS norm."""

    weight_D: nn.Parameter
    eps: float

    def parameters(self) -> list[Tensor]:
        """Return the weight, if it is trained."""
        return [self.weight_D] if self.weight_D.requires_grad else []

    def gradients(self, grad_ND: Tensor, x_ND: Tensor, scale_N1: Tensor) -> list[Tensor]:
        """Return the gradient of the weight, if it is trained."""
        if not self.weight_D.requires_grad:
            return []
        return [pointwise.rms_norm_weight_gradient(grad_ND, x_ND, scale_N1)]


@dataclass(frozen=True, slots=True)
class AttentionHalf:
    """Norm, query, key and value, attention, output."""

    norm: Norm
    qkv: FusedLinear
    out: FusedLinear
    num_heads: int
    num_groups: int
    """Key-value heads."""

    def __call__(
        self, x_ND: Tensor, documents: Documents, cos_NK: Tensor, sin_NK: Tensor
    ) -> Tensor:
        """Return the tokens with what attention adds."""
        trained = (*self.norm.parameters(), *self.qkv.parameters(), *self.out.parameters())
        result = _Attention.apply(self, documents, cos_NK, sin_NK, x_ND, *trained)
        assert isinstance(result, Tensor)
        return result

    def split(self, qkv_NO: Tensor) -> tuple[Tensor, Tensor]:
        """Return views of queries with keys, which are rotated, and of values."""
        num_rotated = self.num_heads + self.num_groups
        heads_NHC = qkv_NO.view(len(qkv_NO), num_rotated + self.num_groups, -1)
        return heads_NHC[:, :num_rotated], heads_NHC[:, num_rotated:]


@dataclass(frozen=True, slots=True)
class FeedForwardHalf:
    """Norm, gate and up, down."""

    norm: Norm
    gate_up: FusedLinear
    down: FusedLinear

    def __call__(self, x_ND: Tensor) -> Tensor:
        """Return the tokens with what the feed-forward layer adds."""
        trained = (*self.norm.parameters(), *self.gate_up.parameters(), *self.down.parameters())
        result = _FeedForward.apply(self, x_ND, *trained)
        assert isinstance(result, Tensor)
        return result


class _Attention(Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401  torch's own, untyped
        half: AttentionHalf,
        documents: Documents,
        cos_NK: Tensor,
        sin_NK: Tensor,
        x_ND: Tensor,
        *_: Tensor,
    ) -> Tensor:
        qkv_in_NX, normed_ND = half.qkv.new_input(len(x_ND))
        normed, scale_N1 = pointwise.rms_norm(x_ND, half.norm.weight_D, half.norm.eps)
        normed_ND.copy_(normed)
        qkv_NO = half.qkv.forward(qkv_in_NX)
        rotated_NHC, value_NGC = half.split(qkv_NO)
        rotated_NHC.copy_(pointwise.rotate(rotated_NHC, cos_NK, sin_NK))
        query_NQC, key_NGC = rotated_NHC[:, : half.num_heads], rotated_NHC[:, half.num_heads :]
        out_in_NX, read_ND = half.out.new_input(len(x_ND))
        read_ND.copy_(attend(query_NQC, key_NGC, value_NGC, documents).flatten(1))
        ctx.half, ctx.documents = half, documents
        ctx.save_for_backward(x_ND, scale_N1, qkv_in_NX, qkv_NO, out_in_NX, cos_NK, sin_NK)
        return half.out.forward(out_in_NX, plus=x_ND)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: ANN401  torch's own, untyped
        (grad_ND,) = grads
        half: AttentionHalf = ctx.half
        x_ND, scale_N1, qkv_in_NX, qkv_NO, out_in_NX, cos_NK, sin_NK = ctx.saved_tensors
        wants_input = ctx.needs_input_grad[4]
        to_read_ND, out_gradients = half.out.backward(grad_ND, out_in_NX, wants_input=True)
        assert to_read_ND is not None
        rotated_NHC, value_NGC = half.split(qkv_NO)
        query_NQC, key_NGC = rotated_NHC[:, : half.num_heads], rotated_NHC[:, half.num_heads :]
        to_query, to_key, to_value = attend_backward(
            to_read_ND.view_as(query_NQC), query_NQC, key_NGC, value_NGC, ctx.documents
        )
        to_rotated_NHC = pointwise.rotate(torch.cat([to_query, to_key], 1), cos_NK, -sin_NK)
        to_qkv_NO = torch.cat([to_rotated_NHC, to_value], 1).flatten(1)
        wants_normed = wants_input or half.norm.weight_D.requires_grad
        to_normed_ND, qkv_gradients = half.qkv.backward(
            to_qkv_NO, qkv_in_NX, wants_input=wants_normed
        )
        return (
            None,
            None,
            None,
            None,
            *_through_norm(half.norm, grad_ND, to_normed_ND, x_ND, scale_N1),
            *qkv_gradients,
            *out_gradients,
        )


class _FeedForward(Function):
    @staticmethod
    def forward(ctx: Any, half: FeedForwardHalf, x_ND: Tensor, *_: Tensor) -> Tensor:  # noqa: ANN401
        in_NX, normed_ND = half.gate_up.new_input(len(x_ND))
        normed, scale_N1 = pointwise.rms_norm(x_ND, half.norm.weight_D, half.norm.eps)
        normed_ND.copy_(normed)
        gate_up_NO = half.gate_up.forward(in_NX)
        down_in_NX, gated_NF = half.down.new_input(len(x_ND))
        gated_NF.copy_(pointwise.swiglu(gate_up_NO))
        result_ND = half.down.forward(down_in_NX, plus=x_ND)
        ctx.half = half
        # The gated tokens are cheap to compute again: only the adapter's part is kept.
        gated_NR = down_in_NX[:, half.down.num_inputs :].clone()
        ctx.save_for_backward(x_ND, scale_N1, in_NX, gate_up_NO, gated_NR)
        return result_ND

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: ANN401  torch's own, untyped
        (grad_ND,) = grads
        half: FeedForwardHalf = ctx.half
        x_ND, scale_N1, in_NX, gate_up_NO, gated_NR = ctx.saved_tensors
        down_in_NX, gated_NF = half.down.new_input(len(grad_ND))
        gated_NF.copy_(pointwise.swiglu(gate_up_NO))
        down_in_NX[:, half.down.num_inputs :] = gated_NR
        to_gated_NF, down_gradients = half.down.backward(grad_ND, down_in_NX, wants_input=True)
        assert to_gated_NF is not None
        to_gate_up_NO = pointwise.swiglu_backward(to_gated_NF, gate_up_NO)
        to_normed_ND, gradients = half.gate_up.backward(to_gate_up_NO, in_NX, wants_input=True)
        return (
            None,
            *_through_norm(half.norm, grad_ND, to_normed_ND, x_ND, scale_N1),
            *gradients,
            *down_gradients,
        )


def _through_norm(
    norm: Norm, grad_ND: Tensor, to_normed_ND: Tensor | None, x_ND: Tensor, scale_N1: Tensor
) -> list[Tensor | None]:
    """Return the gradients of the half's input and of the norm's weight, if it is trained."""
    if to_normed_ND is None:
        return [None]
    to_x_ND = pointwise.rms_norm_backward(to_normed_ND, x_ND, norm.weight_D, scale_N1, grad_ND)
    return [to_x_ND, *norm.gradients(to_normed_ND, x_ND, scale_N1)]
