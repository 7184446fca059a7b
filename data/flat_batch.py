"""A batch without its padding: the prefix once, then all documents one behind the other."""

# B rows, T tokens of a row, N tokens in all, M trained positions

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .batches import Batch


@dataclass(frozen=True, slots=True)
class FlatBatch:
    """What a Batch holds, in one line of tokens."""

    ids_N: Tensor
    positions_N: Tensor
    target_at_M: Tensor
    """Index into the line of the position that predicts each trained token."""
    lengths: Sequence[int]
    """Tokens of each document, the prefix not counted."""


def flatten(batch: Batch) -> FlatBatch:
    """Return the batch's tokens without padding, in the order of its rows."""
    longest = batch.ids_BT.shape[1]
    device = batch.ids_BT.device
    row_lengths_B = torch.tensor([sum(lengths) for lengths in batch.lengths], device=device)
    is_token_BT = torch.arange(longest, device=device) < row_lengths_B[:, None]
    num_prefix = len(batch.prefix_P)
    place_BT = is_token_BT.flatten().cumsum(0) - 1 + num_prefix
    prefix_positions_P = torch.arange(num_prefix, device=device)
    return FlatBatch(
        ids_N=torch.cat([batch.prefix_P, batch.ids_BT[is_token_BT]]),
        positions_N=torch.cat([prefix_positions_P, batch.positions_BT[is_token_BT]]),
        target_at_M=place_BT[batch.target_at_N],
        lengths=[length for lengths in batch.lengths for length in lengths],
    )
