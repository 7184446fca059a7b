"""Writes rows to numbered Parquet files; the same rows give the same bytes."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_PER_GROUP = 2_000
_ROWS_PER_FILE = 200_000


class RowWriter:
    """Writes ``<stem>-00000.parquet`` and, when that is full, the next; there is always one."""

    def __init__(
        self, folder: Path, *, stem: str, schema: pa.Schema, rows_per_file: int = _ROWS_PER_FILE
    ) -> None:
        self._folder = folder
        self._stem = stem
        self._schema = schema
        self._rows_per_file = rows_per_file
        self._waiting: list[dict[str, object]] = []
        self._rows_in_file = 0
        self._num_files = 0

    def __enter__(self) -> "RowWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
            self._close()
        else:
            self._abandon()

    def write(self, row: dict[str, object]) -> None:
        """Add one row; columns that are not in the schema are left out."""
        if self._rows_in_file == self._rows_per_file:
            self._flush()
            self._close()
            self._open()
        self._waiting.append(row)
        self._rows_in_file += 1
        if len(self._waiting) == _ROWS_PER_GROUP:
            self._flush()

    def _open(self) -> None:
        path = self._folder / f"{self._stem}-{self._num_files:05d}.parquet"
        self._stream = path.open("wb")
        self._parquet = pq.ParquetWriter(self._stream, self._schema, compression="zstd")
        self._num_files += 1
        self._rows_in_file = 0

    def _flush(self) -> None:
        if self._waiting:
            self._parquet.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema))
            self._waiting = []

    def _close(self) -> None:
        self._parquet.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def _abandon(self) -> None:
        """Let go of a half-written file, which is never read; a full disk fails here once more."""
        with suppress(OSError):
            self._parquet.close()
        self._parquet.is_open = False  # else pyarrow tries again, and prints it, when collected
        with suppress(OSError):
            self._stream.close()


def read_row_file(path: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of one file."""
    with pq.ParquetFile(path) as table:
        for batch in table.iter_batches(batch_size=_ROWS_PER_GROUP):
            yield from batch.to_pylist()
