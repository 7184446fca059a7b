"""64-bit hashes of runs of words and characters, for many texts at once.

C characters, W words of them, R runs of which the hash is asked
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

MOST_CHARS = 2**16
"""Longest text that is hashed at once; the arrays for it stay in the processor's cache."""

_PIECE_CHARS = MOST_CHARS // 2
_OVERLAP_WORDS = 50

# A polynomial over random 64-bit values of the characters, modulo 2**64. The base is 5 modulo 8,
# so that differences of its powers hold few factors of two and the hash loses few of its bits.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_NUM_CODES = 0x110000


class Windows:
    """The runs of one text; its words stand between single spaces or line ends."""

    def __init__(self, text: str) -> None:
        assert len(text) <= MOST_CHARS
        tables = _tables()
        codes_C = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self.num_chars = len(codes_C)
        self._sums_C = np.zeros(self.num_chars + 1, dtype=np.uint64)
        values_C = tables.values[codes_C]
        values_C *= tables.powers[: self.num_chars]
        np.cumsum(values_C, out=self._sums_C[1:])
        blanks = np.flatnonzero(codes_C <= 0x20)
        self.starts_W = np.concatenate([[0], blanks + 1])
        """Where each word starts."""
        self.ends_W = np.concatenate([blanks, [self.num_chars]])
        """Where each word ends: the position behind its last character."""

    def hash_runs(self, begins_R: NDArray, ends_R: NDArray) -> NDArray[np.uint64]:
        """Return the hash of the characters from each begin to each end."""
        return (self._sums_C[ends_R] - self._sums_C[begins_R]) * _tables().inverses[begins_R]

    def ends_of_chars(self, num_chars: int) -> NDArray[np.intp]:
        """Return where so many characters from a word's start end, for the first words only.

        The last words, behind which the text is too short, are left out.
        """
        num_runs = np.searchsorted(self.starts_W, self.num_chars - num_chars, side="right")
        return self.starts_W[:num_runs] + num_chars

    def ends_of_words(self, num_words: int) -> NDArray[np.intp]:
        """Return where so many words from a word's start end, for all but the last words."""
        return self.ends_W[num_words - 1 :]

    def hash_from_starts(self, ends_R: NDArray) -> NDArray[np.uint64]:
        """Return the hash from the start of the first, second, ... word to these ends."""
        return self.hash_runs(self.starts_W[: len(ends_R)], ends_R)


def hash_whole(text: str) -> int:
    """Return the hash of a whole text; of a very long one, of its start."""
    windows = Windows(text[:MOST_CHARS])
    return int(windows.hash_runs(np.array([0]), np.array([windows.num_chars]))[0])


def pieces_of(text: str) -> list[tuple[int, int]]:
    """Return begin and end of pieces that can be hashed at once and overlap by 50 words.

    So each run of fewer words lies in one piece whole. A word that is longer than a piece is left
    out: nothing that is looked for is that long.
    """
    pieces: list[tuple[int, int]] = []
    begin = 0
    while len(text) - begin > _PIECE_CHARS:
        end = text.rfind(" ", begin, begin + _PIECE_CHARS)
        if end == -1:
            begin = text.find(" ", begin) + 1
            if begin == 0:
                return pieces
            continue
        pieces.append((begin, end))
        back = end
        for _ in range(_OVERLAP_WORDS):
            back = text.rfind(" ", begin, back)
            if back == -1:
                break
        begin = back + 1 if back > begin else end + 1
    return [*pieces, (begin, len(text))] if begin < len(text) else pieces


class _Tables:
    """The value of each character, and the powers of the base and of its inverse."""

    def __init__(self) -> None:
        self.values = _mix(np.arange(_NUM_CODES, dtype=np.uint64))
        self.powers = _powers_of(_BASE)
        self.inverses = _powers_of(_INVERSE)


@cache
def _tables() -> _Tables:
    return _Tables()


def _powers_of(base: int) -> NDArray[np.uint64]:
    powers = np.full(MOST_CHARS + 1, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one random-looking value for each: splitmix64 by Vigna, public domain."""
    values = (values + np.uint64(1)) * np.uint64(_BASE)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
