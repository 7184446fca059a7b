"""Turns texts into numbers that tell how much alike they are: MinHash over word 5-grams.

R rows of a batch, W words, G 5-grams, P permutations, B bands
"""

from array import array
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

from ..matching import match_key
from .config import DedupConfig

GRAM_WORDS = 5
_PIECE_CHARS = 2**19
_ROW_END, _WORD_END = 0x0A, 0x20
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_TABLE_SEED = 5


class Signed(NamedTuple):
    """What is compared of several rows."""

    digests_R2: NDArray[np.uint64]
    """16 bytes that are the same for equal keys only."""
    signatures_RP: NDArray[np.uint16]
    """Two rows agree in about as many places as their Jaccard similarity says."""
    band_keys_BR: NDArray[np.uint64]
    """Equal where two rows agree in a whole band; 0 for a row of fewer than five words, which has
    no 5-gram: only an equal text is its duplicate."""


class Grams(NamedTuple):
    """Hashed word 5-grams of several rows, one row behind the other."""

    hashes_G: NDArray[np.uint64]
    counts_R: NDArray[np.int64]


def duplicate_key(text: str) -> str:
    """Return what makes two texts the same; one without a letter or digit stands for itself."""
    return match_key(text) or " ".join(text.split())


def sign(keys: Sequence[str], *, config: DedupConfig) -> Signed:
    """Return what is compared of texts whose keys ``duplicate_key`` made.

    Of rensa's 32 bits the lower half is kept: 1 of 65,536 unequal places then looks equal.
    """
    grams = hash_grams(keys)
    ends_R = np.concatenate([[0], np.cumsum(grams.counts_R)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        grams.hashes_G, ends_R, config.num_permutations, config.seed
    )
    rows = [array("I", row).tobytes() for row in matrix.to_rows()]  # np.array needs twice the time
    shape = (len(keys), config.num_permutations)
    signatures_RP = np.frombuffer(b"".join(rows), np.uint32).reshape(shape).astype(np.uint16)
    keys_BR = _band_keys(signatures_RP, num_bands=config.num_bands, band_rows=config.band_rows)
    keys_BR[:, grams.counts_R == 0] = 0
    digests = b"".join([blake2b(key.encode(), digest_size=16).digest() for key in keys])
    return Signed(np.frombuffer(digests, "<u8").reshape(-1, 2), signatures_RP, keys_BR)


def _band_keys(
    signatures_RP: NDArray[np.uint16], *, num_bands: int, band_rows: int
) -> NDArray[np.uint64]:
    keys_BR = np.empty((num_bands, len(signatures_RP)), dtype=np.uint64)
    for band in range(num_bands):
        keys_R = np.full(len(signatures_RP), band, dtype=np.uint64)
        for column in range(band * band_rows, (band + 1) * band_rows):
            keys_R = _mixed(keys_R * np.uint64(_BASE) + signatures_RP[:, column])
        keys_BR[band] = np.maximum(keys_R, 1)
    return keys_BR


def hash_grams(keys: Sequence[str]) -> Grams:
    """Return the hashed 5-grams of keys; a long key is cut so that memory stays small."""
    if len(keys) == 1 and len(keys[0]) > _PIECE_CHARS:
        hashes = [_hash_grams([piece]).hashes_G for piece in _pieces(keys[0])]
        return Grams(np.concatenate(hashes), np.array([sum(map(len, hashes))]))
    return _hash_grams(keys)


def _pieces(key: str) -> list[str]:
    """Cut a key between words; each piece begins with the last four words of the one before."""
    pieces: list[str] = []
    start = end = 0
    while (end := key.find(" ", end + _PIECE_CHARS)) >= 0:
        pieces.append(key[start:end])
        start = end
        for _ in range(GRAM_WORDS - 1):
            start = max(key.rfind(" ", 0, start), 0)
        start += start > 0
    return [*pieces, key[start:]]


def _hash_grams(keys: Sequence[str]) -> Grams:
    """Hash each run of five words as a polynomial of its bytes, by differences of one running sum.

    No step works word by word in Python: 100 to 170 MB/s.
    """
    bytes_ = np.frombuffer(("\n".join(keys) + "\n").encode(), dtype=np.uint8)
    sums = np.zeros(len(bytes_) + 1, dtype=np.uint64)
    np.cumsum(_byte_values()[bytes_] * _powers(_BASE, len(bytes_)), out=sums[1:])
    ends_W = np.flatnonzero((bytes_ == _WORD_END) | (bytes_ == _ROW_END))
    starts_W = np.concatenate([[0], ends_W[:-1] + 1])
    last_R = np.flatnonzero(bytes_[ends_W] == _ROW_END)
    words_R = np.diff(last_R, prepend=-1)
    begins_gram_W = np.ones(len(ends_W), dtype=np.bool_)
    for back in range(GRAM_WORDS - 1):
        begins_gram_W[(last_R - back)[words_R > back]] = False
    first_G = np.flatnonzero(begins_gram_W)
    from_G, to_G = starts_W[first_G], ends_W[first_G + GRAM_WORDS - 1]
    shift = _powers(pow(_BASE, -1, 2**64), len(bytes_))
    hashes_G = _mixed((sums[to_G] - sums[from_G]) * shift[from_G])
    return Grams(hashes_G, np.maximum(words_R - (GRAM_WORDS - 1), 0))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread each number's bits over all 64 (the finaliser of MurmurHash3, public domain)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


@cache
def _byte_values() -> NDArray[np.uint64]:
    """Return a random number for each byte, the same for ever: sums of bytes would collide."""
    return _mixed(np.arange(1, 257, dtype=np.uint64) * np.uint64(_BASE) + np.uint64(_TABLE_SEED))


def _powers(base: int, number: int) -> NDArray[np.uint64]:
    """Return base**0, base**1 ... modulo 2**64, so many."""
    size = 2**16
    while size < number:
        size *= 2
    return _table_of_powers(base, size)[:number]


@cache
def _table_of_powers(base: int, size: int) -> NDArray[np.uint64]:
    powers = np.ones(size, dtype=np.uint64)
    known = 1
    while known < size:
        step = np.uint64(pow(base, known, 2**64))
        powers[known : 2 * known] = powers[:known] * step
        known *= 2
    return powers
