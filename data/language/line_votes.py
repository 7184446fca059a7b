"""What one line says about the language of its text: its letters, and the other language if any."""

from typing import NamedTuple

from .detect import Detector
from .lexicon import Words
from .lines import is_prose, without_addresses


class Vote(NamedTuple):
    """One line's say."""

    letters: int
    """Letters of the line; 0 where it says nothing: too short, code, a quotation, names."""
    other: str
    """The other language it is believed to be in; empty: its own, or no proof."""
    words: Words


def vote(line: str, detector: Detector, *, min_letters: int) -> Vote:
    """Return what a line says; function words of the region's own list settle it at any length."""
    line = without_addresses(line)
    words = detector.read(line)
    letters = words.num_letters
    if detector.shows_own(words):
        return Vote(letters, "", words)
    if letters < min_letters or not is_prose(line, words):
        return Vote(0, "", words)
    return Vote(letters, detector.judge_line(line, words), words)
