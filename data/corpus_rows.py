"""The rows of finished corpora that training takes, read a few at a time, source by source."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import pyarrow.compute as pc
import pyarrow.parquet as pq

from .errors import UserError
from .message import Message

_ROWS_PER_BATCH = 256
_CHARS_PER_BATCH = 1_000_000


class CorpusRow(TypedDict):
    """The columns of a corpus row that training reads."""

    id: str
    text: str
    lang: str
    source: str
    messages: list[Message] | None
    rejected: list[Message] | None


_COLUMNS = list(CorpusRow.__annotations__)


@dataclass(frozen=True, slots=True)
class _Slice:
    """The first so many rows of one source in one corpus."""

    corpus: Path
    source: str
    num_rows: int


class CorpusRows:
    """Rows in the order of the named sources, then of the corpora, then of their files.

    Args:
        corpora: finished corpus folders.
        sources: share of each source's rows to take, from the first on; 1 takes all.

    Raises:
        UserError: a source is in no corpus, or its share is out of range.
    """

    def __init__(self, corpora: Sequence[Path], sources: Mapping[str, float]) -> None:
        counts = {corpus: _rows_by_source(corpus) for corpus in corpora}
        self._slices: list[_Slice] = []
        for name, share in sources.items():
            if not 0 < share <= 1:
                raise UserError(f"sources.{name} must lie in (0, 1], got {share}")
            having = [corpus for corpus in corpora if counts[corpus][name]]
            if not having:
                present = sorted({source for of in counts.values() for source in of})
                where = ", ".join(str(corpus) for corpus in corpora)
                raise UserError(f"source {name!r} is not in {where}: it has {', '.join(present)}")
            for corpus in having:
                num_rows = max(1, round(share * counts[corpus][name]))
                self._slices.append(_Slice(corpus, name, num_rows))

    def __len__(self) -> int:
        return sum(item.num_rows for item in self._slices)

    def batches(self) -> Iterator[list[CorpusRow]]:
        """Yield the rows, at most 256 at a time and a million characters, or one long row."""
        waiting: list[CorpusRow] = []
        num_chars = 0
        for row in self._rows():
            length = len(row["text"])
            full = len(waiting) == _ROWS_PER_BATCH or num_chars + length > _CHARS_PER_BATCH
            if waiting and full:
                yield waiting
                waiting, num_chars = [], 0
            waiting.append(row)
            num_chars += length
        if waiting:
            yield waiting

    def first_rows(self) -> Iterator[CorpusRow]:
        """Yield the first row of each source in each corpus: they show what a source holds."""
        for item in self._slices:
            yield next(row for rows in _read_source(item.corpus, item.source) for row in rows)

    def _rows(self) -> Iterator[CorpusRow]:
        for item in self._slices:
            left = item.num_rows
            for rows in _read_source(item.corpus, item.source):
                yield from rows[:left]
                left -= len(rows)
                if left <= 0:
                    break


def _files(corpus: Path) -> list[Path]:
    return sorted(corpus.glob("train-*.parquet"))


def _rows_by_source(corpus: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in _files(corpus):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(columns=["source"]):
                for pair in batch.column(0).value_counts().to_pylist():
                    counts[pair["values"]] += pair["counts"]
    return counts


def _read_source(corpus: Path, source: str) -> Iterator[list[CorpusRow]]:
    for path in _files(corpus):
        with pq.ParquetFile(path) as table:
            for group in range(table.num_row_groups):
                if not _may_hold(table, group, source):
                    continue
                for batch in table.iter_batches(_ROWS_PER_BATCH, [group], _COLUMNS):
                    mine = batch.filter(pc.field("source") == source)
                    # Corpora made before there were pairs have no column `rejected`.
                    rows = [{"rejected": None, **row} for row in mine.to_pylist()]
                    yield cast("list[CorpusRow]", rows)


def _may_hold(table: pq.ParquetFile, group: int, source: str) -> bool:
    """Return False where the file's statistics say that the row group has no such source."""
    facts = table.metadata.row_group(group)
    names = [facts.column(index).path_in_schema for index in range(facts.num_columns)]
    statistics = facts.column(names.index("source")).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return statistics.min <= source <= statistics.max
