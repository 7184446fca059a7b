"""Which rows each step trains on, and the tensors of one forward pass.

The plan is a pure function of the rows' lengths, the settings and the seed: a step's number is the
whole data position, so that a resumed run reads exactly the rows it would have read.
"""

# B rows, T tokens of a row behind the prefix, P prefix tokens, N trained positions of the batch,
# R pairs

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .chat import EncodedConversation
from .packing import Ints, Packs, best_fit, one_row_each

_BUCKET_STEPS = 8
"""Rows of this many steps are sorted by length together, so that little is padded."""


@dataclass(frozen=True, slots=True)
class PairTensors:
    """What belongs to a batch whose rows are pairs: chosen and rejected in turn."""

    row_at_N: Tensor
    """Row of each target; pair and side are its quotient and rest by 2."""
    reference_R2: Tensor
    """Log-probability of each side's targets under the untrained model, summed; fp64."""

    def to(self, device: torch.device) -> "PairTensors":
        """Return them on a device."""
        return PairTensors(self.row_at_N.to(device), self.reference_R2.to(device))


@dataclass(frozen=True, slots=True)
class Batch:
    """The tensors of one forward pass; ids are predicted from the position before them."""

    prefix_P: Tensor
    """Ids that all rows share; may be empty."""
    ids_BT: Tensor
    positions_BT: Tensor
    """Position of each token in its own document, prefix included."""
    mask_BTS: Tensor | None
    """True where a token may look (S = P + T); None means plain causal, or by ``lengths``."""
    target_at_N: Tensor
    """Index into the flattened B x T of the position that predicts each trained token."""
    targets_N: Tensor
    group_N: Tensor
    """Language and source of each loss, as an index: of each target, or of each pair."""
    lengths: tuple[tuple[int, ...], ...]
    """Of each row, the tokens of its documents behind the prefix; padding follows them."""
    pairs: PairTensors | None = None
    """Present where the losses are those of pairs, [R] in place of [N]."""

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        mask = None if self.mask_BTS is None else self.mask_BTS.to(device)
        return Batch(
            prefix_P=self.prefix_P.to(device),
            ids_BT=self.ids_BT.to(device),
            positions_BT=self.positions_BT.to(device),
            mask_BTS=mask,
            target_at_N=self.target_at_N.to(device),
            targets_N=self.targets_N.to(device),
            lengths=self.lengths,
            pairs=None if self.pairs is None else self.pairs.to(device),
            group_N=self.group_N.to(device),
        )


class BatchPlan:
    """Packs of rows for every step, for any number of processes.

    Args:
        lengths: tokens of each row.
        rows_per_step: packs of one optimizer step, over all processes.
        pack_tokens: longest pack; None keeps one row a pack and groups packs of like length.
        seed: order of packs; another order each epoch.
        packs: made before for these lengths and this ``pack_tokens``; else they are made here.
    """

    def __init__(
        self,
        lengths: Sequence[int] | Ints,
        *,
        rows_per_step: int,
        pack_tokens: int | None,
        seed: int,
        packs: Packs | None = None,
    ) -> None:
        self._lengths = np.asarray(lengths, np.int64)
        self._rows_per_step = rows_per_step
        self._seed = seed
        self._grouped = pack_tokens is None
        if packs is None:
            packs = (
                one_row_each(len(self._lengths))
                if pack_tokens is None
                else best_fit(self._lengths, pack_tokens=pack_tokens)
            )
        self._packs = packs
        self._num_tokens = packs.num_tokens(self._lengths)
        self.steps_per_epoch = math.ceil(len(packs) / rows_per_step)
        self._epoch_order: tuple[int, list[list[int]]] = (-1, [])

    def step_packs(self, step: int) -> list[list[int]]:
        """Return the packs (lists of row numbers) of one step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch_order[0] != epoch:
            self._epoch_order = (epoch, self._order(epoch))
        return [self._packs.pack(index) for index in self._epoch_order[1][place]]

    def micro_batches(
        self, step: int, *, rank: int, num_ranks: int, micro_rows: int
    ) -> list[list[list[int]]]:
        """Return this process's packs of a step, cut for single forward passes.

        Packs are dealt by falling length, so that processes finish together. Every process gets the
        same number of micro-batches; one that would have none gets an empty list, to be run with
        zero weight.
        """
        packs = sorted(self.step_packs(step), key=lambda pack: (-self._pack_length(pack), pack))
        count = math.ceil(math.ceil(len(packs) / num_ranks) / micro_rows)
        mine = packs[rank::num_ranks]
        return [mine[index::count] for index in range(count)]

    def _pack_length(self, pack: Sequence[int]) -> int:
        return int(self._lengths[list(pack)].sum())

    def _order(self, epoch: int) -> list[list[int]]:
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(len(self._packs)).tolist()
        if not self._grouped:
            return _chunks(order, self._rows_per_step)
        steps: list[list[int]] = []
        for group in _chunks(order, self._rows_per_step * _BUCKET_STEPS):
            group.sort(key=self._num_tokens.__getitem__)
            steps += _chunks(group, self._rows_per_step)
        return [steps[index] for index in generator.permutation(len(steps))]


def collate(
    packs: Sequence[Sequence[EncodedConversation]],
    *,
    prefix: Sequence[int],
    pad_id: int,
    with_mask: bool = True,
) -> Batch:
    """Return the tensors for rows of one or more documents, all of which begin with the prefix.

    Args:
        packs: the documents of each row.
        prefix: ids that all begin with; they are kept once.
        pad_id: fills up shorter rows.
        with_mask: keep the documents of a row apart by a mask; else the model does by ``lengths``.
    """
    start = len(prefix)
    rows = [[(doc.ids[start:], doc.trained[start:], doc.group) for doc in pack] for pack in packs]
    longest = max(sum(len(ids) - 1 for ids, *_ in row) for row in rows)
    ids_BT = torch.full((len(rows), longest), pad_id)
    positions_BT = torch.arange(start, start + longest).repeat(len(rows), 1)
    document_BT = torch.full((len(rows), longest), -1)
    target_at: list[int] = []
    targets: list[int] = []
    groups: list[int] = []
    for b, row in enumerate(rows):
        t = 0
        for number, (ids, trained, group) in enumerate(row):
            end = t + len(ids) - 1
            ids_BT[b, t:end] = torch.tensor(ids[:-1])
            positions_BT[b, t:end] = torch.arange(start, start + len(ids) - 1)
            document_BT[b, t:end] = number
            for k in range(1, len(ids)):
                if trained[k]:
                    target_at.append(b * longest + t + k - 1)
                    targets.append(ids[k])
                    groups.append(group)
            t = end
    wants_mask = with_mask and any(len(row) > 1 for row in rows)
    return Batch(
        prefix_P=torch.tensor(list(prefix), dtype=torch.long),
        ids_BT=ids_BT,
        positions_BT=positions_BT,
        mask_BTS=_block_causal(document_BT, num_prefix=start) if wants_mask else None,
        target_at_N=torch.tensor(target_at, dtype=torch.long),
        targets_N=torch.tensor(targets, dtype=torch.long),
        group_N=torch.tensor(groups, dtype=torch.long),
        lengths=tuple(tuple(len(ids) - 1 for ids, *_ in row) for row in rows),
    )


def last_positions(ids_BT: Tensor) -> Batch:
    """Return a batch whose one target a row stands behind the row's last token (its id says 0)."""
    num_rows, length = ids_BT.shape
    return Batch(
        prefix_P=ids_BT.new_empty(0),
        ids_BT=ids_BT,
        positions_BT=torch.arange(length, device=ids_BT.device).repeat(num_rows, 1),
        mask_BTS=None,
        target_at_N=torch.arange(1, num_rows + 1, device=ids_BT.device) * length - 1,
        targets_N=ids_BT.new_zeros(num_rows),
        group_N=ids_BT.new_zeros(num_rows),
        lengths=((length,),) * num_rows,
    )


def _block_causal(document_BT: Tensor, *, num_prefix: int) -> Tensor:
    """Return the mask that keeps each document to itself and to the shared prefix."""
    num_rows, longest = document_BT.shape
    same_BTT = document_BT[:, :, None] == document_BT[:, None, :]
    causal_TT = torch.ones(longest, longest, dtype=torch.bool).tril()
    prefix_BTP = torch.ones(num_rows, longest, num_prefix, dtype=torch.bool)
    return torch.cat([prefix_BTP, same_BTT & causal_TT], dim=2)


def _chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
