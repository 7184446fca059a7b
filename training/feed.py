"""The batches of a run: which rows a step takes, how many tokens they are, and their tensors."""

# P pairs of the run, R pairs of a batch; the 2 is chosen, rejected

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from ..data.batches import Batch, BatchPlan, collate
from ..data.pair_batches import collate_pairs
from ..data.tokens import Group, TokenRows


class StepCounts(NamedTuple):
    """What the rows of a whole step hold, over all processes."""

    document_tokens: list[int]
    trained_tokens: int
    num_losses: int
    """What a step's loss is divided by: its trained tokens, or its pairs."""
    losses_by_group: list[int]
    """In the order of ``Feed.groups``."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows on disk, and the plan that says which step takes which."""

    rows: TokenRows
    plan: BatchPlan
    prefix: Sequence[int]
    pad_id: int
    micro_rows: int
    with_mask: bool = True
    """Whether packed rows carry a mask; a model that goes by their lengths needs none."""
    reference_P2: Tensor | None = None
    """Where the packs are pairs: log-probabilities of each side under the untrained model."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the languages and sources of the rows."""
        return self.rows.groups

    def step_counts(self, step: int) -> StepCounts:
        """Return what a step holds: every process can tell."""
        lengths: list[int] = []
        trained_tokens = 0
        by_group = [0] * len(self.groups)
        for pack in self.plan.step_packs(step):
            for row in map(self.rows.row, pack):
                lengths.append(len(row.ids))
                trained = sum(row.trained)
                trained_tokens += trained
                by_group[row.group] += trained if self.reference_P2 is None else 0
            if self.reference_P2 is not None:
                by_group[self.rows.row(pack[0]).group] += 1
        return StepCounts(lengths, trained_tokens, sum(by_group), by_group)

    def micro_batches(self, step: int, *, rank: int, num_ranks: int) -> list[tuple[Batch, bool]]:
        """Return this process's batches of a step, and whether each counts (False: a filler)."""
        packs = self.plan.micro_batches(
            step, rank=rank, num_ranks=num_ranks, micro_rows=self.micro_rows
        )
        filler = self.plan.step_packs(step)[:1]
        return [(self.tensors(some or filler), bool(some)) for some in packs]

    def tensors(self, packs: list[list[int]]) -> Batch:
        """Return the packs of rows as one batch."""
        documents = [[self.rows.row(row) for row in pack] for pack in packs]
        if self.reference_P2 is None:
            return collate(
                documents, prefix=self.prefix, pad_id=self.pad_id, with_mask=self.with_mask
            )
        pairs = [pack[0] // 2 for pack in packs]
        return collate_pairs(
            documents,
            reference_R2=self.reference_P2[pairs],
            prefix=self.prefix,
            pad_id=self.pad_id,
        )
