"""An array on disk that grows row by row, and is opened memory-mapped."""

import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class ArrayWriter:
    """Writes one ``.npy`` file without holding it in memory; unreadable until it is closed."""

    def __init__(self, path: Path, *, dtype: DTypeLike, row_shape: tuple[int, ...] = ()) -> None:
        self._dtype = np.dtype(dtype)
        self._row_shape = row_shape
        self._num_rows = 0
        self._stream: BinaryIO = path.open("wb")
        self._header_bytes = len(self._header())
        self._stream.write(bytes(self._header_bytes))

    def append(self, rows: NDArray) -> None:
        """Add rows at the end."""
        assert rows.shape[1:] == self._row_shape
        assert rows.dtype == self._dtype
        self._stream.write(np.ascontiguousarray(rows).data)
        self._num_rows += len(rows)

    def close(self) -> None:
        """Put the header before the rows, and bring all to the disk."""
        header = self._header()
        assert len(header) == self._header_bytes
        self._stream.seek(0)
        self._stream.write(header)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def abandon(self) -> None:
        """Let go of a file that nobody will read."""
        self._stream.close()

    def _header(self) -> bytes:
        """Return the header; numpy leaves room in it, so its length is the same for any rows."""
        stream = BytesIO()
        shape = (self._num_rows, *self._row_shape)
        descr = npy.dtype_to_descr(self._dtype)
        npy.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
        return stream.getvalue()


def open_array(path: Path) -> NDArray:
    """Return the array, read from disk as it is used."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an array without a row cannot be mapped
        return np.load(path, allow_pickle=False)


def save_array(path: Path, array: NDArray) -> None:
    """Write an array whole or not at all."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
