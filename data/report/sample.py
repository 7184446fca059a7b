"""The rows that a report shows: the same ones on every machine, chosen by a hash of their ids."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import pyarrow.parquet as pq
import xxhash

_EXAMPLES_PER_REASON = 3
RowT = TypeVar("RowT")


class DroppedRow(NamedTuple):
    """One row that was dropped, for the reader to judge the rule by."""

    step: str
    reason: str
    id: str
    source: str
    detail: str
    text: str


class KeptRow(NamedTuple):
    """One training row."""

    id: str
    source: str
    text: str


def dropped_examples(corpus: Path) -> list[DroppedRow]:
    """Return up to three rows for each step and reason, in the order of step and reason."""
    chosen: dict[tuple[str, str], list[tuple[int, DroppedRow]]] = {}
    columns = ["step", "reason", "id", "source", "detail", "text"]
    for values in _rows(corpus, "dropped", columns):
        row = DroppedRow(*cast("tuple[str, str, str, str, str, str]", values))
        heap = chosen.setdefault((row.step, row.reason), [])
        _offer(heap, (-_hash(row.id), row), size=_EXAMPLES_PER_REASON)
    return [
        row for key in sorted(chosen) for _, row in sorted(chosen[key], key=lambda pair: -pair[0])
    ]


def kept_rows(corpus: Path, *, num_rows: int) -> list[KeptRow]:
    """Return so many training rows, spread over the whole corpus."""
    heap: list[tuple[int, KeptRow]] = []
    for values in _rows(corpus, "train", ["id", "source", "text"]):
        row = KeptRow(*cast("tuple[str, str, str]", values))
        _offer(heap, (-_hash(row.id), row), size=num_rows)
    return [row for _, row in sorted(heap, key=lambda pair: -pair[0])]


def _rows(corpus: Path, stem: str, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for file in sorted(corpus.glob(f"{stem}-*.parquet")):
        with pq.ParquetFile(file) as table:
            for group in range(table.num_row_groups):
                read = table.read_row_group(group, columns=list(columns), use_threads=False)
                yield from zip(*(read[name].to_pylist() for name in columns), strict=True)


def _offer(heap: list[tuple[int, RowT]], item: tuple[int, RowT], *, size: int) -> None:
    """Keep the ``size`` largest items."""
    if len(heap) < size:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def _hash(row_id: str) -> int:
    return xxhash.xxh3_64_intdigest(row_id.encode())
