"""How much of a text repeats itself: shares of its letters in frequent and in repeated n-grams.

N words of the text; an n-gram is known by a 64-bit hash, the same in every process.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
Positions: TypeAlias = NDArray[np.int64]

# A phrase that stands three times in a short news item is no spam.
_AGAIN = 4
# Odd constants with well-mixed bits (golden ratio; the multipliers of splitmix64).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class NgramShare(NamedTuple):
    """Part of the letters of a text that one n-gram, or the repeated n-grams, fill."""

    size: int
    share: float


class Ngrams:
    """The n-grams of a text, of every size.

    Args:
        words: the text's words.
        ids: a number for each different word, from 0.
    """

    def __init__(self, words: Sequence[str], ids: Mapping[str, int]) -> None:
        numbers = np.fromiter(map(ids.__getitem__, words), np.uint64, len(words))
        self._words = _mixed(numbers)
        self._chars = np.fromiter(map(len, words), np.int64, len(words))
        self._num_chars = max(1, int(self._chars.sum()))
        self._hashes = [self._words]

    def top(self, sizes: Mapping[int, float]) -> Iterator[NgramShare]:
        """Yield, by size, the part that the commonest n-gram fills, where it is above the limit."""
        for size in sorted(sizes):
            share = self._top_share(size, above=sizes[size])
            if share > sizes[size]:
                yield NgramShare(size, share)

    def repeated(self, sizes: Mapping[int, float]) -> Iterator[NgramShare]:
        """Yield, by size, the part in n-grams seen before in the text; ends when it cannot matter.

        Words of a repeated n-gram also lie in repeated shorter ones, so shares fall with the size:
        below the least limit, or where nothing repeats, no larger size is looked at.
        """
        positions: Positions | None = None
        least = min(sizes.values(), default=0)
        for size in sorted(sizes):
            positions = self._repeating(size, among=positions)
            share = self._covered_share(size, positions)
            yield NgramShare(size, share)
            if share <= least:
                return

    def _of(self, size: int) -> Hashes:
        while len(self._hashes) < size:
            shorter = self._hashes[-1]
            self._hashes.append(shorter[:-1] * _STEP + self._words[len(self._hashes) :])
        return self._hashes[size - 1]

    def _top_share(self, size: int, *, above: float) -> float:
        """Return the share of the commonest n-gram; 0 where none can be above the limit."""
        if len(self._words) <= size:
            return 0.0
        hashes = self._of(size)
        chars = np.convolve(self._chars, np.ones(size, np.int64), mode="valid")
        needed = max(_AGAIN, math.ceil(above * self._num_chars / int(chars.max())))
        ordered = np.sort(hashes)
        if needed > len(ordered) or not (ordered[needed - 1 :] == ordered[: 1 - needed]).any():
            return 0.0
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        counts = np.diff(np.append(starts, len(ordered)))
        commonest = ordered[starts[counts == counts.max()]]
        longest = int(chars[np.isin(hashes, commonest)].max())
        return int(counts.max()) * longest / self._num_chars

    def _repeating(self, size: int, *, among: Positions | None) -> Positions:
        """Return where n-grams start that occur more than once, in order."""
        num_ngrams = len(self._words) - size + 1
        if num_ngrams < 2 or (among is not None and not len(among)):
            return np.empty(0, np.int64)
        hashes = self._of(size)
        if among is not None:
            among = among[among < num_ngrams]
            hashes = hashes[among]
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(twice):
            return np.empty(0, np.int64)
        nearest = np.minimum(np.searchsorted(twice, hashes), len(twice) - 1)
        found = np.flatnonzero(twice[nearest] == hashes)
        return found if among is None else among[found]

    def _covered_share(self, size: int, positions: Positions) -> float:
        """Return the part of the letters in the second and later occurrences."""
        if not len(positions):
            return 0.0
        hashes = self._of(size)[positions]
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        later = positions[order[1:][ordered[1:] == ordered[:-1]]]
        depth = np.zeros(len(self._words) + 1, np.int64)
        depth[later] += 1
        depth[later + size] -= 1
        covered = np.cumsum(depth[:-1]) > 0
        return int(self._chars[covered].sum()) / self._num_chars


def _mixed(numbers: Hashes) -> Hashes:
    """Return splitmix64 of the numbers: sums and products of these do not meet by chance."""
    values = (numbers + np.uint64(1)) * _STEP
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))
