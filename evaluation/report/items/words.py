"""How a reply differs from another, word by word; a cluster of characters is never cut."""

from difflib import SequenceMatcher
from typing import NamedTuple

import regex

_PIECE = regex.compile(r"\s+|[\p{L}\p{M}\p{N}\u200c\u200d]+|\X")
_MOST_PIECES = 2_000
"""Longer texts are not compared: the time grows with the square."""


class Piece(NamedTuple):
    """Some words of a text."""

    text: str
    is_new: bool
    """Not in the other text at this place."""


def compare_words(text: str, other: str) -> list[Piece]:
    """Return the text in pieces, those marked that the other text has not.

    A text without a word in common, or too long to compare, comes back unmarked: marking all of
    it tells nothing.
    """
    mine, theirs = _PIECE.findall(text), _PIECE.findall(other)
    if not mine or not theirs or max(len(mine), len(theirs)) > _MOST_PIECES:
        return [Piece(text, is_new=False)]
    blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    shared = "".join(piece for block in blocks for piece in mine[block.a : block.a + block.size])
    if not any(character.isalnum() for character in shared):
        return [Piece(text, is_new=False)]
    found: list[Piece] = []
    place = 0
    for block in blocks:
        if block.a > place:
            found.append(Piece("".join(mine[place : block.a]), is_new=True))
        if block.size:
            found.append(Piece("".join(mine[block.a : block.a + block.size]), is_new=False))
        place = block.a + block.size
    return found
