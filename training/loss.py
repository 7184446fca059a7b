"""Cross entropy at the trained positions only: the head is never computed elsewhere."""

# N trained positions, D hidden size, V vocabulary

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_CHUNK_POSITIONS = 1024
"""Positions whose logits exist at one time: 1,024 x 128,256 in fp32 are 525 MB."""
_FROZEN_CHUNK_POSITIONS = 256


def cross_entropies(hidden_ND: Tensor, head: nn.Module, targets_N: Tensor) -> Tensor:
    """Return the cross entropy of each trained position in fp32, [N].

    The caller sums, and divides by the trained tokens of the whole step, over all processes and
    micro-batches, so that 16 x 1, 1 x 16 and 2 processes give the same gradient.
    """
    if type(head) is nn.Linear and head.bias is None and not head.weight.requires_grad:
        weight_VD = head.weight.to(hidden_ND.dtype)
        losses_N = _FrozenHeadLosses.apply(hidden_ND, weight_VD, targets_N)
        assert isinstance(losses_N, Tensor)
        return losses_N
    if len(targets_N) <= _CHUNK_POSITIONS:
        return _chunk_losses(hidden_ND, head, targets_N)
    losses = [
        checkpoint(_chunk_losses, hidden, head, targets, use_reentrant=False)
        for hidden, targets in zip(
            hidden_ND.split(_CHUNK_POSITIONS), targets_N.split(_CHUNK_POSITIONS), strict=True
        )
    ]
    return torch.cat(losses)


def _chunk_losses(hidden_ND: Tensor, head: nn.Module, targets_N: Tensor) -> Tensor:
    return functional.cross_entropy(head(hidden_ND).float(), targets_N, reduction="none")


class _FrozenHeadLosses(Function):
    """The losses, with the gradient of the hidden states made at once, while the logits are there.

    So the logits are neither kept nor computed again: two products for each chunk in all. Each row
    depends on its own loss alone, so that any incoming gradient only scales the rows.
    """

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:  # noqa: ANN401
        losses: list[Tensor] = []
        gradient_ND = torch.empty_like(hidden_ND) if ctx.needs_input_grad[0] else None
        for start in range(0, len(targets_N), _FROZEN_CHUNK_POSITIONS):
            chunk = slice(start, start + _FROZEN_CHUNK_POSITIONS)
            target_at = targets_N[chunk, None]
            logits_NV = hidden_ND[chunk] @ weight_VD.T
            log_probs_NV = torch.log_softmax(logits_NV, -1, dtype=torch.float32)
            losses.append(-log_probs_NV.gather(1, target_at)[:, 0])
            if gradient_ND is not None:
                errors_NV = log_probs_NV.exp_()
                errors_NV.scatter_add_(1, target_at, errors_NV.new_full(target_at.shape, -1.0))
                gradient_ND[chunk] = logits_NV.copy_(errors_NV) @ weight_VD
        if gradient_ND is not None:
            ctx.save_for_backward(gradient_ND)
        return torch.cat(losses) if losses else hidden_ND.new_zeros(0, dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: ANN401  torch's own, untyped
        (gradient_ND,) = ctx.saved_tensors
        return (grads[0][:, None] * gradient_ND).to(gradient_ND.dtype), None, None
