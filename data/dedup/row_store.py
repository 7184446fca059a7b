"""What is compared of all rows, on disk by part: written by many tasks, read as one corpus.

R rows, P permutations, B bands
"""

import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError
from ..manifest import sync_folder
from .array_file import ArrayWriter, open_array
from .config import DedupConfig
from .signature import Signed

DIGEST_COLUMNS = ("digest-0", "digest-1")
_ROWS_AT_ONCE = 2**16


class PartWriter:
    """Writes the rows of one part into ``part-<rank>/``, which is there when it is complete."""

    def __init__(self, folder: Path, *, rank: int, config: DedupConfig) -> None:
        self._final = folder / f"part-{rank:05d}"
        self._folder = folder / f".part-{rank:05d}.tmp"
        self._config = config

    def __enter__(self) -> "PartWriter":
        for left_over in (self._folder, self._final):
            shutil.rmtree(left_over, ignore_errors=True)
        self._folder.mkdir(parents=True)
        config = self._config
        self._digests = [
            ArrayWriter(self._folder / f"{name}.npy", dtype="<u8") for name in DIGEST_COLUMNS
        ]
        self._signatures = ArrayWriter(
            self._folder / "signatures.npy", dtype="<u2", row_shape=(config.num_permutations,)
        )
        self._band_keys = ArrayWriter(
            self._folder / "band_keys.npy.tmp", dtype="<u8", row_shape=(config.num_bands,)
        )
        self._ids = ArrayWriter(self._folder / "ids.npy", dtype="u1")
        self._id_ends = ArrayWriter(self._folder / "id_ends.npy", dtype="<i8")
        self._id_bytes = 0
        return self

    def write(self, signed: Signed, *, ids: Sequence[str]) -> None:
        """Add a batch of rows."""
        for file, half in zip(self._digests, signed.digests_R2.T, strict=True):
            file.append(half)
        self._signatures.append(signed.signatures_RP)
        self._band_keys.append(signed.band_keys_BR.T)
        encoded = [row_id.encode() for row_id in ids]
        ends = self._id_bytes + np.cumsum([len(row_id) for row_id in encoded], dtype="<i8")
        self._ids.append(np.frombuffer(b"".join(encoded), dtype="u1"))
        self._id_ends.append(ends)
        self._id_bytes = int(ends[-1])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        files = (*self._digests, self._signatures, self._band_keys, self._ids, self._id_ends)
        for file in files:
            if kind is None:
                file.close()
            else:
                file.abandon()
        if kind is None:
            self._split_bands()
            sync_folder(self._folder)
            self._folder.rename(self._final)
            sync_folder(self._final.parent)

    def _split_bands(self) -> None:
        """Lay each band's keys side by side, since a task reads one band of all rows."""
        wide = self._folder / "band_keys.npy.tmp"
        keys_RB = open_array(wide)
        files = [
            ArrayWriter(self._folder / f"band-{band:03d}.npy", dtype="<u8")
            for band in range(self._config.num_bands)
        ]
        for start in range(0, len(keys_RB), _ROWS_AT_ONCE):
            keys_BR = np.ascontiguousarray(keys_RB[start : start + _ROWS_AT_ONCE].T)
            for file, keys_R in zip(files, keys_BR, strict=True):
                file.append(keys_R)
        for file in files:
            file.close()
        wide.unlink()


class Column(Sequence[NDArray]):
    """One array of each part, opened when asked for: parts outnumber the files one may open."""

    def __init__(self, parts: Sequence[Path], name: str) -> None:
        self._paths = [part / f"{name}.npy" for part in parts]

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> NDArray: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray]: ...
    def __getitem__(self, index: int | slice) -> NDArray | list[NDArray]:
        """Return one part's array, memory-mapped."""
        if isinstance(index, slice):
            return [open_array(path) for path in self._paths[index]]
        return open_array(self._paths[index])


class RowStore:
    """All rows of the corpus, numbered in its order; what is not asked for stays on disk."""

    def __init__(self, folder: Path, *, num_parts: int) -> None:
        """Open the parts.

        Raises:
            RunError: a part is not there; its task was not run to its end.
        """
        self._parts = [folder / f"part-{rank:05d}" for rank in range(num_parts)]
        for part in self._parts:
            if not part.is_dir():
                raise RunError(f"{part} is missing: run the task of this part again")
        lengths = [len(part) for part in self.column(DIGEST_COLUMNS[0])]
        self.part_starts = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
        """Number of each part's first row; at the end the number of all rows."""

    def column(self, name: str) -> Column:
        """Return ``digest-0``, ``signatures``, ``band-000`` and so on of all rows, by part."""
        return Column(self._parts, name)

    def gather(self, name: str, rows: NDArray[np.int64]) -> NDArray:
        """Return one column of some rows, in the order of ``rows``."""
        order = np.argsort(rows, kind="stable")
        in_order = rows[order]
        column = self.column(name)
        result = np.empty((len(rows), *column[0].shape[1:]), dtype=column[0].dtype)
        for part, chosen in self._by_part(in_order):
            result[order[chosen]] = column[part][in_order[chosen] - self.part_starts[part]]
        return result

    def digests_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the exact digests [R, 2] of some rows, in the order of ``rows``."""
        return np.column_stack([self.gather(name, rows) for name in DIGEST_COLUMNS])

    def ids_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of some rows, which are in ascending order."""
        ids: list[str] = []
        for part, chosen in self._by_part(rows):
            index = rows[chosen] - self.part_starts[part]
            text, ends = self.column("ids")[part], self.column("id_ends")[part]
            starts = np.where(index > 0, ends[np.maximum(index - 1, 0)], 0)
            ids += [
                text[start:end].tobytes().decode()
                for start, end in zip(starts.tolist(), ends[index].tolist(), strict=True)
            ]
        return ids

    def _by_part(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
        """Yield each part that has some of the rows, which are in ascending order, and which."""
        edges = np.searchsorted(rows, self.part_starts).tolist()
        for part, (start, end) in enumerate(pairwise(edges)):
            if end > start:
                yield part, slice(start, end)
