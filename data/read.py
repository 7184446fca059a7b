"""Rows out of JSONL, Parquet, text files and the Hub; a broken one is named, never skipped."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, cast

from .errors import UserError
from .settings import Format
from .sources import Part


class RawRow(NamedTuple):
    """One row as it was stored, and where, for messages: ``file:line``."""

    place: str
    number: int
    """Position in its file, from 0."""
    values: Mapping[str, object]


OnProgress = Callable[[int], None]


def read_rows(part: Part, *, on_progress: OnProgress) -> Iterator[RawRow]:
    """Yield the part's rows in order.

    Args:
        part: what to read.
        on_progress: told now and then how many bytes of the file are read.

    Raises:
        UserError: a broken line or file; the message names the place.
    """
    readers = {Format.jsonl: _read_jsonl, Format.parquet: _read_parquet, Format.text: _read_text}
    if part.file is None:
        rows = _read_hub(part)
    else:
        rows = readers[part.source.format](part.file, on_progress)
    yield from islice(rows, part.source.limit_rows)


def _read_jsonl(file: Path, on_progress: OnProgress) -> Iterator[RawRow]:
    number = 0
    with file.open("rb") as raw:
        lines = enumerate(_open_lines(raw, file), start=1)
        while True:
            try:
                number, line = next(lines)
            except StopIteration:
                return
            except (EOFError, OSError, zlib.error) as error:
                raise UserError(
                    f"{file} is cut or damaged after line {number} ({error}): get it again"
                ) from error
            if number % 256 == 0:
                on_progress(raw.tell())
            if line.strip():
                yield RawRow(f"{file}:{number}", number - 1, _parse(line, place=f"{file}:{number}"))


def _open_lines(raw: IO[bytes], file: Path) -> Iterator[bytes]:
    if file.suffix != ".gz":
        yield from raw
        return
    with gzip.open(raw) as stream:
        yield from stream


def _parse(line: bytes, *, place: str) -> dict[str, object]:
    try:
        values = json.loads(line)
    except UnicodeDecodeError as error:
        raise UserError(f"{place} is not UTF-8 (byte {error.start}): convert the file") from error
    except ValueError as error:
        raise UserError(f"{place} is not JSON ({error}): repair or remove the line") from error
    if not isinstance(values, dict):
        raise UserError(f"{place} is not a JSON object: write one {{...}} a line")
    return values


def _read_parquet(file: Path, on_progress: OnProgress) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file) as table:
            total = max(1, table.metadata.num_rows)
            for batch in table.iter_batches(batch_size=1024):
                for values in batch.to_pylist():
                    yield RawRow(f"{file}: row {number + 1}", number, values)
                    number += 1
                on_progress(file.stat().st_size * number // total)
    except pa.ArrowInvalid as error:
        raise UserError(f"{file} is damaged or no Parquet file: get it again ({error})") from error


def _read_text(file: Path, on_progress: OnProgress) -> Iterator[RawRow]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 (byte {error.start}): convert the file") from error
    on_progress(file.stat().st_size)
    yield RawRow(str(file), 0, {"id": file.stem, "text": text})


def _read_hub(part: Part) -> Iterator[RawRow]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    source = part.source
    try:
        rows = load_dataset(
            source.path,
            name=source.hub_config,
            split=source.hub_split,
            revision=source.hub_revision,
            streaming=True,
        )
        for number, values in enumerate(rows):
            place = f"{source.path}: row {number + 1}"
            yield RawRow(place, number, cast("Mapping[str, object]", values))
    except (OSError, ValueError, DatasetsError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        config = f" config {source.hub_config}" if source.hub_config else ""
        raise UserError(
            f"hub data set {source.path}{config} split {source.hub_split} cannot be read "
            f"({reason}): check the name, the network and HF_TOKEN, or use local files"
        ) from error
