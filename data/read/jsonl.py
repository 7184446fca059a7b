"""Rows out of JSONL, whole files or byte ranges; no line is held in memory beyond the limit."""

import json
from collections.abc import Iterator
from typing import IO

from ..sources import OnProgress, Part
from .row import BadRow, RawRow, excerpt_of
from .stream import DAMAGE, is_packed, open_stream

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SKIP_BYTES = 1 << 20


def read_jsonl(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield the rows of the lines that start within the part; blank lines are none."""
    assert part.file is not None
    with open_stream(part.file) as (stream, raw):
        offset = _seek_line(stream, part.begin)
        packed, num_lines = is_packed(part.file), 0
        while part.end is None or offset < part.end:
            place = f"{part.file}@{offset}" if part.begin else f"{part.file}:{num_lines + 1}"
            number = num_lines if packed else offset
            try:
                line = stream.readline(max_row_bytes + 1)
                size = len(line)
                if size > max_row_bytes and not line.endswith(b"\n"):
                    size += _skip_line(stream)
            except DAMAGE as error:
                yield BadRow(place, number, "damaged file", f"cut or damaged here ({error})")
                return
            if not line:
                return
            if size > len(line):
                yield BadRow(place, number, "too long", f"{size} bytes", excerpt_of(line))
            elif not line.isspace():
                yield _parse(line, place=place, number=number)
            offset += size
            num_lines += 1
            if num_lines % 256 == 0:
                on_progress((raw.tell() if packed else offset) - part.begin)


def _seek_line(stream: IO[bytes], begin: int) -> int:
    """Move to the first line that starts at ``begin`` or behind it; return where that is."""
    if begin == 0:
        return 0
    stream.seek(begin - 1)
    return begin - 1 + _skip_line(stream)


def _skip_line(stream: IO[bytes]) -> int:
    """Read over the rest of the line; return how many bytes that was."""
    size = 0
    while piece := stream.readline(_SKIP_BYTES):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size


def _parse(line: bytes, *, place: str, number: int) -> RawRow | BadRow:
    if b"\0" in line:
        return BadRow(place, number, "NUL bytes", f"{line.count(0)} of them", excerpt_of(line))
    try:
        values = json.loads(line.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRow(place, number, "invalid UTF-8", f"byte {error.start}", excerpt_of(line))
    except (ValueError, RecursionError) as error:
        return BadRow(place, number, "not JSON", str(error), excerpt_of(line))
    if not isinstance(values, dict):
        return BadRow(place, number, "not a JSON object", "", excerpt_of(line))
    return RawRow(place, number, values)
