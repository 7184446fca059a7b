"""Finds benchmark items in texts: the same text, or a shared run of 13 words or 50 characters."""

from collections.abc import Iterable
from typing import NamedTuple

from .matching import match_key

NGRAM_WORDS = 13
SHINGLE_CHARS = 50
_LEAST_CHARS = 20


class HeldItem(NamedTuple):
    """One item that no training row may share, in one language."""

    suite: str
    split: str
    id: str
    text: str


class Overlap(NamedTuple):
    """What a text shares, and with which item."""

    kind: str
    """``exact``, ``50 characters``, ``13 words``, or ``whole item`` for one shorter than these."""
    item: HeldItem


class OverlapIndex:
    """Looks texts up among held items; windows start at words and ignore case and punctuation."""

    def __init__(self, items: Iterable[HeldItem]) -> None:
        self._whole: dict[str, HeldItem] = {}
        self._shingles: dict[str, HeldItem] = {}
        self._ngrams: dict[str, HeldItem] = {}
        self._short: dict[str, HeldItem] = {}
        for item in items:
            key = match_key(item.text)
            self._whole.setdefault(key, item)
            if _LEAST_CHARS <= len(key) < SHINGLE_CHARS:
                self._short.setdefault(f" {key} ", item)
            for start, end in _windows(key):
                if len(key) - start >= SHINGLE_CHARS:
                    self._shingles.setdefault(key[start : start + SHINGLE_CHARS], item)
                if end is not None:
                    self._ngrams.setdefault(key[start:end], item)

    def find(self, text: str) -> Overlap | None:
        """Return the first overlap with an item, or None."""
        key = match_key(text)
        if key in self._whole:
            return Overlap("exact", self._whole[key])
        for start, end in _windows(key):
            item = self._shingles.get(key[start : start + SHINGLE_CHARS])
            if item is not None:
                return Overlap(f"{SHINGLE_CHARS} characters", item)
            if end is not None and (item := self._ngrams.get(key[start:end])) is not None:
                return Overlap(f"{NGRAM_WORDS} words", item)
        for short, item in self._short.items():
            if short in f" {key} ":
                return Overlap("whole item", item)
        return None


def _windows(key: str) -> list[tuple[int, int | None]]:
    """Return where each word starts, and where the 13 words from it end (None near the end)."""
    starts = [0]
    position = key.find(" ")
    while position != -1:
        starts.append(position + 1)
        position = key.find(" ", position + 1)
    ends: list[int | None] = [start - 1 for start in starts[NGRAM_WORDS:]]
    if len(starts) >= NGRAM_WORDS:
        ends.append(len(key))
    ends += [None] * (len(starts) - len(ends))
    return list(zip(starts, ends, strict=True))
