"""One document out of a text file."""

from collections.abc import Iterator

from ..sources import OnProgress, Part
from .row import BadRow, RawRow, excerpt_of
from .stream import DAMAGE, open_stream


def read_text(
    part: Part, *, max_row_bytes: int, on_progress: OnProgress
) -> Iterator[RawRow | BadRow]:
    """Yield the file's text as one row."""
    assert part.file is not None
    place = str(part.file)
    try:
        with open_stream(part.file) as (stream, _):
            data = stream.read(max_row_bytes + 1)
    except DAMAGE as error:
        yield BadRow(place, 0, "damaged file", f"cut or damaged ({error})")
        return
    on_progress(part.file.stat().st_size)
    if len(data) > max_row_bytes:
        yield BadRow(place, 0, "too long", f"over {max_row_bytes} bytes", excerpt_of(data))
    elif b"\0" in data:
        yield BadRow(place, 0, "NUL bytes", f"{data.count(0)} of them", excerpt_of(data))
    elif data:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield BadRow(place, 0, "invalid UTF-8", f"byte {error.start}", excerpt_of(data))
        else:
            yield RawRow(place, 0, {"text": text})
