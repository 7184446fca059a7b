"""A sorted table on disk: which texts hold a 64-bit hash. Opened memory-mapped.

N entries, R hashes that are looked up, H hits
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BITS_PER_ENTRY = 16


class Hits(NamedTuple):
    """What was found, one row a hit; a hash that several texts hold gives several."""

    places_H: NDArray[np.intp]
    """Position among the hashes that were looked up."""
    texts_H: NDArray[np.int32]


class HashTable:
    """Hashes in order, each with its text; a bitmap answers "not there" without a search."""

    def __init__(self, hashes_N: NDArray, texts_N: NDArray, bits: NDArray) -> None:
        self._hashes_N = hashes_N
        self._texts_N = texts_N
        self._bits = bits
        # The upper bits of a hash say which bit is its own.
        self._shift = np.uint64(64 - (len(bits) * 8).bit_length() + 1)

    @classmethod
    def open(cls, folder: Path, name: str) -> "HashTable":
        """Return the table that ``save_hash_table`` wrote."""
        arrays = []
        for what in ("hashes", "texts", "bits"):
            path = folder / f"{name}_{what}.npy"
            try:
                arrays.append(np.load(path, mmap_mode="r", allow_pickle=False))
            except ValueError:  # an empty array cannot be mapped
                arrays.append(np.load(path, allow_pickle=False))
        return cls(*arrays)

    def __len__(self) -> int:
        return len(self._hashes_N)

    def find(self, hashes_R: NDArray[np.uint64]) -> Hits:
        """Return which of the hashes are there, in their order."""
        bits = hashes_R >> self._shift
        ones = np.left_shift(np.uint8(1), (bits & np.uint64(7)).astype(np.uint8))
        maybe = np.flatnonzero(self._bits[(bits >> np.uint64(3)).astype(np.intp)] & ones)
        if not len(maybe) or not len(self):
            return Hits(maybe[:0], np.empty(0, dtype=np.int32))
        asked = hashes_R[maybe]
        first = np.searchsorted(self._hashes_N, asked)
        found = self._hashes_N[np.minimum(first, len(self) - 1)] == asked
        maybe, asked, first = maybe[found], asked[found], first[found]
        numbers = np.searchsorted(self._hashes_N, asked, side="right") - first
        offsets = np.arange(numbers.sum()) - np.repeat(np.cumsum(numbers) - numbers, numbers)
        entries = np.repeat(first, numbers) + offsets
        return Hits(np.repeat(maybe, numbers), np.asarray(self._texts_N[entries]))


def save_hash_table(
    folder: Path, name: str, *, hashes: NDArray, texts: NDArray, most_texts: int
) -> int:
    """Write the table, and return how many hashes were left out.

    Args:
        folder: where the three files go.
        name: how the files' names begin.
        hashes: 64-bit, in any order, with repeats.
        texts: the text that holds each of them.
        most_texts: a hash in more texts than these is left out.
    """
    order = np.lexsort((texts, hashes))
    hashes_N, texts_N = hashes.astype(np.uint64)[order], texts.astype(np.int32)[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (hashes_N[1:] != hashes_N[:-1]) | (texts_N[1:] != texts_N[:-1])
    hashes_N, texts_N = hashes_N[new], texts_N[new]
    first = np.searchsorted(hashes_N, hashes_N)
    numbers = np.searchsorted(hashes_N, hashes_N, side="right") - first
    num_common = int(((numbers > most_texts) & (first == np.arange(len(first)))).sum())
    hashes_N, texts_N = hashes_N[numbers <= most_texts], texts_N[numbers <= most_texts]
    num_bits = max(64, 1 << (len(hashes_N) * _BITS_PER_ENTRY).bit_length())
    flags = np.zeros(num_bits, dtype=bool)
    flags[(hashes_N >> np.uint64(64 - num_bits.bit_length() + 1)).astype(np.intp)] = True
    arrays = {"hashes": hashes_N, "texts": texts_N, "bits": np.packbits(flags, bitorder="little")}
    for what, array in arrays.items():
        np.save(folder / f"{name}_{what}.npy", array, allow_pickle=False)
    return num_common
