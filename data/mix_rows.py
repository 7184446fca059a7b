"""The rows of a mix: which are taken how often, so that each source gives its tokens."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from .mix import Ration, Supply
from .packing import Ints
from .tokens import TokenRows


class Portion(NamedTuple):
    """What one source really gives: whole rows, so a little more or less than asked."""

    language: str
    source: str
    available: int
    asked: int
    tokens: int
    trained_tokens: int
    rows: int
    repeats: float
    """Mean number of times that a row stands in an epoch."""


class Mixed(NamedTuple):
    """Row numbers of an epoch, and what they hold."""

    order: Ints
    portions: list[Portion]


def supplies_of(rows: TokenRows) -> list[Supply]:
    """Return the tokens of each language and source, in the order of their first rows."""
    lengths = rows.lengths()
    return [
        Supply(language, source, int(lengths[mine].sum()))
        for (language, source), mine in _groups(rows.table).items()
    ]


def mix_rows(
    rows: TokenRows, rations: Sequence[Ration], *, seed: int, rows_together: int = 1
) -> Mixed:
    """Return the rows of one epoch: whole passes first, then rows drawn by the seed.

    Copies of a row stand far from each other, so that packing does not put them side by side.

    Args:
        rows: of a finished token folder.
        rations: what each source gives.
        seed: of the draw.
        rows_together: so many neighbouring rows are one unit, which is never parted: 2 for pairs.
    """
    lengths = rows.lengths().reshape(-1, rows_together).sum(axis=1)
    num_trained = _num_trained(rows.table).reshape(-1, rows_together).sum(axis=1)
    groups = {
        group: of[::rows_together] // rows_together for group, of in _groups(rows.table).items()
    }
    passes: list[list[Ints]] = []
    portions: list[Portion] = []
    for number, ration in enumerate(rations):
        mine = groups[ration.language, ration.source]
        drawn = np.random.default_rng([seed, number]).permutation(mine)
        taken = take_tokens(drawn, lengths[drawn], tokens=ration.tokens)
        for index, part in enumerate(taken):
            if index == len(passes):
                passes.append([])
            passes[index].append(part)
        all_taken = np.concatenate(taken)
        portions.append(
            Portion(
                language=ration.language,
                source=ration.source,
                available=ration.available,
                asked=round(ration.tokens),
                tokens=int(lengths[all_taken].sum()),
                trained_tokens=int(num_trained[all_taken].sum()),
                rows=len(all_taken),
                repeats=round(len(all_taken) / len(mine), 4),
            )
        )
    units = np.concatenate([np.sort(np.concatenate(part)) for part in passes])
    order = (units[:, None] * rows_together + np.arange(rows_together)).reshape(-1)
    return Mixed(order, portions)


def take_tokens(rows: Ints, lengths: Ints, *, tokens: float) -> list[Ints]:
    """Return the rows as many whole times as the tokens allow, then as many more as come nearest.

    At least one row is taken.
    """
    total = int(lengths.sum())
    num_passes, rest = divmod(tokens, total)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    more = int(np.argmin(np.abs(ends - rest)))
    if num_passes == 0:
        more = max(1, more)
    parts = [rows] * int(num_passes)
    return [*parts, rows[:more]] if more else parts


def _groups(table: pa.Table) -> dict[tuple[str, str], Ints]:
    """Return the row numbers of each language and source."""
    codes: dict[tuple[str, str], int] = {}
    numbers = np.empty(table.num_rows, np.int32)
    place = 0
    for batch in table.select(["lang", "source"]).to_batches():
        pairs = zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
        for language, source in pairs:
            numbers[place] = codes.setdefault((language, source), len(codes))
            place += 1
    return {pair: np.flatnonzero(numbers == code) for pair, code in codes.items()}


def _num_trained(table: pa.Table) -> Ints:
    """Return each row's number of trained tokens."""
    counts: list[Ints] = []
    for chunk in table["trained"].chunks:
        flags = chunk.flatten().to_numpy(zero_copy_only=False)
        ends = np.concatenate([[0], np.cumsum(flags)])
        starts = chunk.offsets.to_numpy() - chunk.offsets[0].as_py()
        counts.append(ends[starts[1:]] - ends[starts[:-1]])
    return np.concatenate([np.zeros(0, np.int64), *counts])
