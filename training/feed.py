"""The batches of a run: which rows a step takes, how many tokens they are, and their tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..data.batches import Batch, BatchPlan, collate
from ..data.tokens import Group, TokenRows


class StepCounts(NamedTuple):
    """What the rows of a whole step hold, over all processes."""

    document_tokens: list[int]
    trained_tokens: int
    trained_by_group: list[int]
    """In the order of ``Feed.groups``."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows on disk, and the plan that says which step takes which."""

    rows: TokenRows
    plan: BatchPlan
    prefix: Sequence[int]
    pad_id: int
    micro_rows: int

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the languages and sources of the rows."""
        return self.rows.groups

    def step_counts(self, step: int) -> StepCounts:
        """Return what a step holds: every process can tell."""
        lengths: list[int] = []
        by_group = [0] * len(self.groups)
        for pack in self.plan.step_packs(step):
            for row in map(self.rows.row, pack):
                lengths.append(len(row.ids))
                by_group[row.group] += sum(row.trained)
        return StepCounts(lengths, sum(by_group), by_group)

    def micro_batches(self, step: int, *, rank: int, num_ranks: int) -> list[tuple[Batch, bool]]:
        """Return this process's batches of a step, and whether each counts (False: a filler)."""
        packs = self.plan.micro_batches(
            step, rank=rank, num_ranks=num_ranks, micro_rows=self.micro_rows
        )
        filler = self.plan.step_packs(step)[:1]
        return [(self._tensors(some or filler), bool(some)) for some in packs]

    def _tensors(self, packs: list[list[int]]) -> Batch:
        documents = [[self.rows.row(row) for row in pack] for pack in packs]
        return collate(documents, prefix=self.prefix, pad_id=self.pad_id)
