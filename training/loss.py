"""Cross entropy at the trained positions only: the head is never computed elsewhere."""

# N trained positions, D hidden size, V vocabulary

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_CHUNK_POSITIONS = 1024
"""Positions whose logits exist at one time: 1,024 x 128,256 in fp32 are 525 MB."""


def cross_entropies(hidden_ND: Tensor, head: nn.Module, targets_N: Tensor) -> Tensor:
    """Return the cross entropy of each trained position in fp32, [N].

    The caller sums, and divides by the trained tokens of the whole step, over all processes and
    micro-batches, so that 16 x 1, 1 x 16 and 2 processes give the same gradient.
    """
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
