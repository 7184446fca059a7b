"""Finds benchmark items in texts: the same text, or a shared run of 13 words or 50 characters."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..matching import match_key
from .deny_list import LEAST_CHARS, NGRAM_WORDS, SHINGLE_CHARS, DenyList
from .segments import line_starts, segment_starts
from .windows import MOST_CHARS, Windows, hash_whole, pieces_of


class Overlap(NamedTuple):
    """What a text shares, and with which item."""

    kind: str
    """``exact``, ``50 characters``, ``13 words``; of texts shorter than these, ``whole item`` or
    ``whole sentence`` of an item."""
    suite: str
    split: str
    id: str


def find_overlaps(texts: Sequence[str], deny_list: DenyList) -> list[Overlap | None]:
    """Return for each text the item that it is, else the list's first one that it meets, or None.

    Case, punctuation and spacing are set aside, runs start at words. An item shorter than a run is
    met where a sentence, a line or the text is all of it. Expects normalised text.
    """
    rows = _search(texts, deny_list)
    return [row.first_met(deny_list) if row.met else None for row in rows]


def find_all_overlaps(texts: Sequence[str], deny_list: DenyList) -> list[list[Overlap]]:
    """Return for each text every item that it meets, once, in the list's order."""
    rows = _search(texts, deny_list)
    return [list(dict.fromkeys(row.all_met(deny_list))) if row.met else [] for row in rows]


def _search(texts: Sequence[str], deny_list: DenyList) -> list["_Row"]:
    """Return the texts with the runs that they share with items."""
    rows = [_Row(text) for text in texts]
    batch: list[tuple[_Row, str]] = []
    num_chars = 0
    for row in rows:
        for begin, end in pieces_of(row.key):
            if batch and num_chars + end - begin >= MOST_CHARS:
                _find_runs(batch, deny_list)
                batch, num_chars = [], 0
            batch.append((row, row.key[begin:end]))
            num_chars += end - begin + 1
    if batch:
        _find_runs(batch, deny_list)
    return rows


class _Row:
    """A text and which texts of items were seen in it, and how."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.key = match_key(text)
        self.met: dict[int, str] = {}
        self._pieces: list[tuple[int, Windows]] | None = None
        self._bounds: dict[bool, frozenset[int]] = {}

    def first_met(self, deny_list: DenyList) -> Overlap | None:
        """Return the item that the text is, else the list's first one that it meets."""
        found: Overlap | None = None
        for overlap in self.all_met(deny_list):
            if found is None or overlap.kind == _EXACT:
                found = overlap
            if overlap.kind == _EXACT:
                break
        return found

    def all_met(self, deny_list: DenyList) -> Iterator[Overlap]:
        """Yield each group of texts that are there with its item, in the list's order.

        Where several count together, the last one must be there whole: a hypothesis is often made
        of its premise's words, and a run of these says nothing about it.
        """
        for group in sorted({group for text in self.met for group in deny_list.groups_of(text)}):
            *others, last = deny_list.texts_of(group)
            kinds = [self._kind(text, deny_list) for text in others]
            kinds.append(self._kind(last, deny_list, must_be_whole=bool(others)))
            if None not in kinds:
                best = next(kind for kind in _KINDS if kind in kinds)
                yield Overlap(best, *deny_list.owner_of(group))

    def _kind(self, text: int, deny_list: DenyList, *, must_be_whole: bool = False) -> str | None:
        """Return how the text is met, or None; what must be whole is looked for now."""
        kind = self.met.get(text)
        num_chars, whole = int(deny_list.num_chars_T[text]), int(deny_list.whole_T[text])
        if num_chars == len(self.key) and hash_whole(self.key) == whole:
            return _EXACT
        if must_be_whole or kind == _SHORT or (kind is None and num_chars < LEAST_CHARS):
            by_line = bool(deny_list.is_sentence_T[text])
            found = self._holds_whole(num_chars, whole, by_line=by_line)
            return (_SENTENCE if by_line else _SHORT) if found else None
        return kind

    def _holds_whole(self, num_chars: int, whole: int, *, by_line: bool) -> bool:
        """Return whether some sentences or lines of the row are just the text with this hash."""
        if self._pieces is None:
            self._bounds = {True: line_starts(self.text), False: segment_starts(self.text)}
            self._pieces = [
                (self.key.count(" ", 0, begin), Windows(self.key[begin:end]))
                for begin, end in pieces_of(self.key)
            ]
        for num_words_before, windows in self._pieces:
            ends = windows.ends_of_chars(num_chars)
            for word in np.flatnonzero(windows.hash_from_starts(ends) == whole).tolist():
                last = int(np.searchsorted(windows.ends_W, ends[word]))
                ends_a_word = windows.ends_W[last] == ends[word]
                bounds = {num_words_before + word, num_words_before + last + 1}
                if ends_a_word and bounds <= self._bounds[by_line]:
                    return True
        return False


_EXACT = "exact"
_SHORT = "whole item"
_SENTENCE = "whole sentence"
_KINDS = [_EXACT, "50 characters", "13 words", _SHORT, _SENTENCE]


def _find_runs(batch: Sequence[tuple[_Row, str]], deny_list: DenyList) -> None:
    """Note in the rows which texts of items share a run with them, or the start of a short one."""
    windows = Windows("\n".join(piece for _, piece in batch))
    piece_ends = np.cumsum([len(piece) + 1 for _, piece in batch]) - 1
    for kind, table, ends in (
        ("50 characters", deny_list.chars, windows.ends_of_chars(SHINGLE_CHARS)),
        ("13 words", deny_list.words, windows.ends_of_words(NGRAM_WORDS)),
        (_SHORT, deny_list.short, windows.ends_of_chars(LEAST_CHARS)),
    ):
        hits = table.find(windows.hash_from_starts(ends))
        pieces = np.searchsorted(piece_ends, windows.starts_W[hits.places_H])
        for piece, text in zip(pieces.tolist(), hits.texts_H.tolist(), strict=True):
            batch[piece][0].met.setdefault(text, kind)
