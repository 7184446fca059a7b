"""Writes rows to numbered Parquet files; the same rows give the same bytes."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_PER_GROUP = 2_000
_CHARS_PER_GROUP = 4_000_000
"""Long documents make smaller groups, so that memory stays flat."""
_ROWS_PER_FILE = 200_000


class RowWriter:
    """Writes ``<stem>-00000.parquet`` and, when that is full, the next; no file without a row."""

    def __init__(
        self, folder: Path, *, stem: str, schema: pa.Schema, rows_per_file: int = _ROWS_PER_FILE
    ) -> None:
        self._folder = folder
        self._stem = stem
        self._schema = schema
        self._rows_per_file = rows_per_file
        self._waiting: list[dict[str, object]] = []
        self._waiting_chars = 0
        self._file: _OpenFile | None = None
        self._rows_in_file = 0
        self._num_files = 0

    def __enter__(self) -> "RowWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._close()
        elif self._file is not None:
            self._file.abandon()

    def write(self, row: dict[str, object]) -> None:
        """Add one row; columns that are not in the schema are left out."""
        if self._rows_in_file == self._rows_per_file:
            self._close()
        self._waiting.append(row)
        self._rows_in_file += 1
        self._waiting_chars += len(str(row["text"]))
        if len(self._waiting) == _ROWS_PER_GROUP or self._waiting_chars > _CHARS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        if self._file is None:
            path = self._folder / f"{self._stem}-{self._num_files:05d}.parquet"
            self._file = _OpenFile(path, self._schema)
            self._num_files += 1
        self._file.write(self._waiting)
        self._waiting, self._waiting_chars = [], 0

    def _close(self) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()
        self._file, self._rows_in_file = None, 0


class _OpenFile:
    """One Parquet file that is being written."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._stream = path.open("wb")
        self._parquet = pq.ParquetWriter(self._stream, schema, compression="zstd")

    def write(self, rows: list[dict[str, object]]) -> None:
        self._parquet.write_table(pa.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._parquet.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def abandon(self) -> None:
        """Let go of a half-written file, which is never read; a full disk fails here once more."""
        with suppress(OSError):
            self._parquet.close()
        self._parquet.is_open = False  # else pyarrow tries again, and prints it, when collected
        with suppress(OSError):
            self._stream.close()


def read_row_file(path: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of one file, holding one group of them at a time."""
    with pq.ParquetFile(path) as table:
        for group in range(table.num_row_groups):
            yield from table.read_row_group(group, use_threads=False).to_pylist()


def part_files(folder: Path, stem: str, *, rank: int) -> list[Path]:
    """Return the files that task ``rank`` wrote, in order."""
    return sorted(folder.glob(f"{stem}-{rank:05d}-*.parquet"))


def remove_part(folder: Path, stem: str, *, rank: int) -> None:
    """Remove what an earlier, killed start of task ``rank`` left behind."""
    for file in part_files(folder, stem, rank=rank):
        file.unlink()


def count_rows(folder: Path) -> int:
    """Return the number of rows in all files of the folder."""
    return sum(pq.read_metadata(file).num_rows for file in sorted(folder.glob("*.parquet")))
