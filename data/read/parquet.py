"""Rows out of Parquet, by row groups, and out of the Arrow files that ``datasets`` saves."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import ARTIFACT_COLUMNS
from ..settings import Kind, Source
from ..sources import OnProgress, Part
from .row import BadRow, RawRow

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 256


def read_parquet(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield the rows of the part's row groups; a damaged group does not hide the next one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = part.file
    assert file is not None
    try:
        table = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        yield BadRow(str(file), 0, "damaged file", f"no Parquet file ({error})")
        return
    with table:
        num_rows = [table.metadata.row_group(at).num_rows for at in range(table.num_row_groups)]
        end = len(num_rows) if part.end is None else part.end
        columns = _columns(part.source, table.schema_arrow.names)
        for group in range(part.begin, end):
            number = sum(num_rows[:group])
            last = number + num_rows[group]
            try:
                for batch in table.iter_batches(_BATCH_ROWS, row_groups=[group], columns=columns):
                    yield from _rows(batch, file=file, number=number, max_row_bytes=max_row_bytes)
                    number += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                detail = f"rows {number + 1} to {last} are damaged ({error})"
                yield BadRow(f"{file}: row {number + 1}", number, "damaged file", detail)
            on_progress(part.size_bytes * (group + 1 - part.begin) // (end - part.begin))


def read_arrow(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield the rows of one file of a data set that ``save_to_disk`` wrote."""
    import pyarrow as pa

    file, number = part.file, 0
    assert file is not None
    try:
        with pa.memory_map(str(file)) as raw, pa.ipc.open_stream(raw) as batches:
            for batch in batches:
                for begin in range(0, batch.num_rows, _BATCH_ROWS):
                    piece = batch.slice(begin, _BATCH_ROWS)
                    yield from _rows(piece, file=file, number=number, max_row_bytes=max_row_bytes)
                    number += piece.num_rows
                on_progress(raw.tell())
    except (pa.ArrowException, OSError) as error:
        place = f"{file}: row {number + 1}"
        yield BadRow(place, number, "damaged file", f"cut or damaged here ({error})")


def _columns(source: Source, names: Sequence[str]) -> list[str] | None:
    """Return the columns that running text needs, or None for all of them."""
    root = source.text_field if source.text_field in names else source.text_field.split(".")[0]
    if source.kind is not Kind.text or root not in names:
        return None
    wanted = {root, source.id_field, source.url_field, source.licence_field, *source.where}
    return [name for name in names if name in wanted or name in ARTIFACT_COLUMNS]


def _rows(
    batch: "pa.RecordBatch", *, file: Path, number: int, max_row_bytes: int
) -> Iterator[RawRow | BadRow]:
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        rows = None
    is_small = batch.nbytes <= max_row_bytes
    for at in range(batch.num_rows):
        place = f"{file}: row {number + at + 1}"
        if not is_small and (size := batch.slice(at, 1).nbytes) > max_row_bytes:
            yield BadRow(place, number + at, "too long", f"{size} bytes")
            continue
        try:
            values = batch.slice(at, 1).to_pylist()[0] if rows is None else rows[at]
        except UnicodeDecodeError as error:
            yield BadRow(place, number + at, "invalid UTF-8", f"byte {error.start}")
        else:
            yield RawRow(place, number + at, values)
