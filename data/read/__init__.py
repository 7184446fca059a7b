"""Rows out of every format, one reader a file; a row that cannot be read is named and counted."""

from collections.abc import Iterator
from itertools import islice

from ..errors import UserError
from ..settings import Format
from ..sources import OnProgress, Part, stamp_of
from .field import text_at
from .hub import read_hub
from .jsonl import read_jsonl
from .parquet import read_arrow, read_parquet
from .row import FAULTS, FILE_FAULTS, SETTING_FAULTS, BadRow, RawRow, RowError, excerpt_of
from .text import read_text
from .wet import read_wet

__all__ = [
    "FAULTS",
    "FILE_FAULTS",
    "SETTING_FAULTS",
    "BadRow",
    "RawRow",
    "RowError",
    "excerpt_of",
    "read_rows",
    "text_at",
]


def read_rows(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield the part's rows in order, also those that cannot be read.

    Args:
        part: what to read.
        max_row_bytes: a longer row is a bad one.
        on_progress: told now and then how many bytes of the part are read.

    Raises:
        UserError: the file changed since the run began, or the Hub's stream broke.
        SourceMissing: the source cannot be opened at all.
    """
    _refuse_changed(part)
    readers = {
        Format.jsonl: read_jsonl,
        Format.parquet: read_parquet,
        Format.text: read_text,
        Format.wet: read_wet,
        Format.dataset: read_hub if part.file is None else read_arrow,
        Format.hub: read_hub,
    }
    rows = readers[part.source.format](part, max_row_bytes=max_row_bytes, on_progress=on_progress)
    yield from islice(_select(rows, where=part.source.where), part.source.limit_rows)
    _refuse_changed(part)


def _select(rows: Iterator[RawRow | BadRow], *, where: dict[str, str]) -> Iterator[RawRow | BadRow]:
    """Leave out the rows whose columns have other values than the source asks for."""
    wanted = [(name, set(values.split(","))) for name, values in where.items()]
    for row in rows:
        if isinstance(row, RawRow) and wanted:
            missing = [name for name, _ in wanted if name not in row.values]
            if missing:
                detail = f"{missing[0]!r} is none of {', '.join(list(row.values)[:12])}"
                yield BadRow(row.place, row.number, "no such column", detail)
                continue
            if any(str(row.values[name]) not in values for name, values in wanted):
                continue
        yield row


def _refuse_changed(part: Part) -> None:
    if part.file is None or part.stamp is None:
        return
    try:
        stamp = stamp_of(part.file)
    except OSError:
        stamp = None
    if stamp != part.stamp:
        raise UserError(
            f"source {part.source_name}: {part.file} changed while it was read: "
            "wait until it is written, then run again"
        )
