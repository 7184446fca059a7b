"""Rows out of WARC files of extracted text, such as Common Crawl's WET files (ISO 28500)."""

from collections.abc import Iterator
from typing import IO

from ..sources import OnProgress, Part
from .row import BadRow, RawRow, excerpt_of
from .stream import DAMAGE, open_stream

_MAX_HEADER_BYTES = 1 << 16
_SKIP_BYTES = 1 << 20
_WITHOUT_TEXT = {"warcinfo", "request", "metadata", "revisit", "continuation"}


def read_wet(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield one row a record of text: id, text, url, date and the languages that were found."""
    assert part.file is not None
    number = 0
    with open_stream(part.file) as (stream, raw):
        while True:
            place = f"{part.file}: record {number + 1}"
            try:
                headers = _read_headers(stream)
                if headers is None:
                    return
                size = _size(headers)
                body = _read_body(stream, size=size, keep_bytes=max_row_bytes)
            except (*DAMAGE, ValueError) as error:
                yield BadRow(place, number, "damaged file", f"cut or damaged here ({error})")
                return
            if headers.get("warc-type", "") not in _WITHOUT_TEXT:
                yield _to_row(headers, body, size=size, place=place, number=number)
            number += 1
            on_progress(raw.tell())


def _read_headers(stream: IO[bytes]) -> dict[str, str] | None:
    """Return the next record's headers by lower-case name, or None at the end of the file."""
    line = stream.readline(_MAX_HEADER_BYTES)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(_MAX_HEADER_BYTES)
    if not line:
        return None
    if not line.startswith(b"WARC/"):
        raise ValueError("a record must start with WARC/")
    headers: dict[str, str] = {}
    while (line := stream.readline(_MAX_HEADER_BYTES)).strip():
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    if not line:
        raise EOFError("the file ends in a record's headers")
    return headers


def _size(headers: dict[str, str]) -> int:
    size = headers.get("content-length", "")
    if not size.isascii() or not size.isdigit():
        raise ValueError(f"Content-Length is {size!r}")
    return int(size)


def _read_body(stream: IO[bytes], *, size: int, keep_bytes: int) -> bytes:
    """Return the record's bytes, or only the first of them where it is longer than the limit."""
    body = stream.read(min(size, keep_bytes))
    left = size - len(body)
    while left and (piece := stream.read(min(left, _SKIP_BYTES))):
        left -= len(piece)
    if left:
        raise EOFError(f"{left} of {size} bytes are missing")
    return body


def _to_row(
    headers: dict[str, str], body: bytes, *, size: int, place: str, number: int
) -> RawRow | BadRow:
    kind = headers.get("content-type", "text/plain").partition(";")[0]
    if kind != "text/plain":
        return BadRow(place, number, "web page, not text", kind, excerpt_of(body))
    if size > len(body):
        return BadRow(place, number, "too long", f"{size} bytes", excerpt_of(body))
    if b"\0" in body:
        return BadRow(place, number, "NUL bytes", f"{body.count(0)} of them", excerpt_of(body))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return BadRow(place, number, "invalid UTF-8", f"byte {error.start}", excerpt_of(body))
    values = {
        "id": headers.get("warc-record-id", "").strip("<>") or None,
        "text": text,
        "url": headers.get("warc-target-uri", "").strip("<>"),
        "date": headers.get("warc-date", ""),
        "languages": headers.get("warc-identified-content-language", ""),
    }
    return RawRow(place, number, values)
