"""A file as a stream of bytes, unpacked by its ending; a cut one raises behind its last byte."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

DAMAGE = (EOFError, OSError, zlib.error, zstandard.ZstdError)
"""What reading a cut or damaged file raises."""
_BUFFER_BYTES = 1 << 20
_SKIPPABLE_FRAMES = range(0x184D2A50, 0x184D2A60)


class ByteStream(NamedTuple):
    """The bytes to read, and the file below them, whose position tells how far it is read."""

    unpacked: IO[bytes]
    raw: IO[bytes]


def is_packed(file: Path) -> bool:
    """Return whether the file can only be read from its start."""
    return file.suffix in (".gz", ".zst")


@contextmanager
def open_stream(file: Path) -> Iterator[ByteStream]:
    """Open a plain, ``.gz`` or ``.zst`` file; memory does not grow with its size or its lines."""
    with file.open("rb", buffering=_BUFFER_BYTES) as raw:
        if file.suffix == ".gz":
            with gzip.open(raw) as stream:
                yield ByteStream(stream, raw)  # pyright: ignore[reportArgumentType]
        elif file.suffix == ".zst":
            yield ByteStream(io.BufferedReader(_ZstdFile(raw), _BUFFER_BYTES), raw)
        else:
            yield ByteStream(raw, raw)


class _ZstdFile(io.RawIOBase):
    """Unpacks zstd frames; zstandard itself takes a cut file for a whole one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._reader = zstandard.ZstdDecompressor().stream_reader(
            raw, read_across_frames=True, closefd=False
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        size = self._reader.readinto(buffer)
        if size == 0 and not _has_whole_frames(self._raw):
            raise EOFError("the last zstd frame does not end")
        return size


def _has_whole_frames(raw: IO[bytes]) -> bool:
    """Walk over the heads of frames and blocks (RFC 8878) to see whether the last one is whole."""
    size, at = raw.seek(0, io.SEEK_END), 0
    while at < size:
        raw.seek(at)
        head = raw.read(18)
        if int.from_bytes(head[:4], "little") in _SKIPPABLE_FRAMES:
            at += 8 + int.from_bytes(head[4:8], "little")
            continue
        at += zstandard.frame_header_size(head)
        is_last = False
        while not is_last:
            raw.seek(at)
            block_bytes = raw.read(3)
            if len(block_bytes) < 3:
                return False
            block = int.from_bytes(block_bytes, "little")
            is_last, is_run = bool(block & 1), (block >> 1) & 3 == 1
            at += 3 + (1 if is_run else block >> 3)
        at += 4 if zstandard.get_frame_parameters(head).has_checksum else 0
    return at == size
