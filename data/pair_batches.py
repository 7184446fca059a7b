"""Pairs as batches: of each pair two rows, chosen and rejected, that are never parted."""

# R pairs, P pairs of the whole run, N trained positions of the batch

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .batches import Batch, PairTensors, collate
from .chat import EncodedConversation
from .packing import Packs


def pairs_as_packs(num_rows: int) -> Packs:
    """Return a pack for each two rows, so that a plan of packs is a plan of pairs."""
    assert num_rows % 2 == 0, "a pair has lost a row"
    return Packs(np.arange(num_rows, dtype=np.int32), np.arange(0, num_rows + 1, 2, dtype=np.int32))


def collate_pairs(
    pairs: Sequence[Sequence[EncodedConversation]],
    *,
    reference_R2: Tensor,
    prefix: Sequence[int],
    pad_id: int,
) -> Batch:
    """Return the tensors of pairs, a row for each side; the groups are those of the pairs."""
    rows = [row for pair in pairs for row in pair]
    batch = collate([[row] for row in rows], prefix=prefix, pad_id=pad_id)
    num_trained = torch.tensor([sum(row.trained[len(prefix) :]) for row in rows])
    row_at_N = torch.arange(len(rows)).repeat_interleave(num_trained)
    group_R = torch.tensor([chosen.group for chosen, _ in pairs], dtype=torch.long)
    return replace(batch, pairs=PairTensors(row_at_N, reference_R2), group_N=group_R)


def sums_of_sides(values_N: Tensor, pairs: PairTensors) -> Tensor:
    """Return the sum of the targets' values on each side of each pair, [R, 2], in fp64.

    A long reply's log-probability is in the hundreds, where fp32 has steps of 3e-5, and what
    counts is a small difference between two of them.
    """
    sums = torch.zeros_like(pairs.reference_R2).flatten()
    return sums.index_add(0, pairs.row_at_N, values_N.double()).view(-1, 2)
