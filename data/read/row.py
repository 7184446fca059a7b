"""What readers yield: a row as it was stored, or the place and fault of one that cannot be read."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_EXCERPT_CHARS = 200
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

FAULTS = {
    "not JSON": "repair or remove the line",
    "not a JSON object": "write one {...} a line",
    "invalid UTF-8": "convert it to UTF-8",
    "NUL bytes": "get the file again; it was not written to its end, or is no text",
    "too long": "raise corpus.max_row_bytes, or split it",
    "no text": "set text_field to one of its columns",
    "no label": "set label_field to one of its columns",
    "unknown label": "correct it, or name another suite",
    "no messages": "correct them, or set chat_format, messages_field or columns",
    "no pair": "correct it, or name its prompt, chosen and rejected with columns",
    "no task": "correct it, or set columns",
    "no such column": "correct the source's where",
    "web page, not text": "extract its text first",
    "damaged file": "get it again",
    "empty": "remove it from the corpus",
    "no row matches": "correct the source's where",
    "source skipped": "set corpus.skip_missing=false to stop there",
}
"""Every reason for which a row is not read, with the cure."""
FILE_FAULTS = {"damaged file", "empty", "no row matches", "source skipped"}
"""Those that concern a file, not one row of it."""
SETTING_FAULTS = {
    "no text",
    "no label",
    "unknown label",
    "no messages",
    "no pair",
    "no task",
    "no such column",
}
"""Those that a wrong setting causes, where all rows have them."""


class RawRow(NamedTuple):
    """One row as it was stored, and where, for messages: ``file:line`` or ``file@byte``."""

    place: str
    number: int
    """In plain JSONL the byte at which it starts, elsewhere its position in the file, from 0."""
    values: Mapping[str, object]


class BadRow(NamedTuple):
    """One row that cannot be read, or a file of which the rest cannot."""

    place: str
    number: int
    fault: str
    """One of FAULTS."""
    detail: str = ""
    excerpt: str = ""
    """Its first characters, safe to show."""


class RowError(ValueError):
    """A row that lacks what its kind needs."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


def excerpt_of(data: bytes | str) -> str:
    """Return the first 200 characters without control characters and broken bytes."""
    if isinstance(data, bytes):
        data = data[: 4 * _EXCERPT_CHARS].decode("utf-8", "replace")
    return _UNSAFE.sub("\ufffd", data[:_EXCERPT_CHARS])
