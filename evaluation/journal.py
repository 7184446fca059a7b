"""Replies as they come, line by line, so that a killed run goes on where it stopped."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

from ..data.errors import UserError

JOURNAL_ENDING = ".jsonl.partial"
"""Of a part's journal; with several processes their numbers follow."""


class Journal:
    """A ``.partial`` file: its first line names the work, each further line is one item's rows.

    A last line that a kill cut short is dropped; a file of other work is begun anew.
    """

    def __init__(self, path: Path, *, key: str) -> None:
        self.path = path
        self.rows: dict[str, dict[str, dict]] = {}
        """What each item's line holds, by item id."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise UserError(f"{path} is being written by another process: wait for it") from error
        self._read(key)

    def add(self, item_id: str, row: dict[str, dict]) -> None:
        """Write one item's rows; they outlive a kill from here on."""
        self.rows[item_id] = row
        self._write({"id": item_id, "row": row})

    def remove(self) -> None:
        """Delete the file: what it held is finished elsewhere."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def _read(self, key: str) -> None:
        self._stream.seek(0)
        head = _parse(self._stream.readline())
        whole = self._stream.tell()
        if head != {"key": key}:
            self._stream.truncate(0)
            self._write({"key": key})
            return
        while (line := _parse(self._stream.readline())) is not None:
            self.rows[line["id"]] = line["row"]
            whole = self._stream.tell()
        self._stream.truncate(whole)
        self._stream.seek(0, os.SEEK_END)

    def _write(self, value: dict) -> None:
        self._stream.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()


def read_journals(folder: Path, pattern: str, *, key: str) -> dict[str, dict[str, dict]]:
    """Return the whole rows of all journals of this work, as they are now; none is locked."""
    rows: dict[str, dict[str, dict]] = {}
    for path in sorted(folder.glob(pattern)):
        with path.open("rb") as stream:
            if _parse(stream.readline()) != {"key": key}:
                continue
            while (line := _parse(stream.readline())) is not None:
                rows[line["id"]] = line["row"]
    return rows


def _parse(line: bytes) -> dict | None:
    """Return the line's value; None for the end of the file and for a line cut short."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
