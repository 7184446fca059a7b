"""What language a text is in: CLD2's answer, and when a gate should believe it."""

from typing import NamedTuple

import pycld2

from ..region import Region
from ..scripts import count_letters
from .lexicon import Lexicons, Words, has_words, load_words

_UNKNOWN = "un"
_MIN_WORDS = 2
_LINE_WORDS = 3
_NEIGHBOUR_SHARE = 0.08
"""A neighbour's words in its own text: 0.08 or more in 81 to 100 % of sentences; in ours never."""
_CERTAIN_WORDS = 3
_CERTAIN_SHARE = 0.2
_CERTAIN_RATIO = 4
_OWN_SHARE = 0.12
_OWN_ROW_SHARE = 0.2
_ROW_LETTERS = 30
_LINE_LETTERS = 60
"""CLD2 alone is believed about rows and lines from so many letters on; shorter ones it guesses."""


class Finding(NamedTuple):
    """What the detectors say about one text."""

    cld2: str
    """CLD2's code; empty where it is unsure."""
    own_share: float
    """Part of the text that CLD2 finds in the region's language or its class, 0 to 1."""
    other: str
    """The other language that the text is believed to be in; empty: it may stay."""


class Detector:
    """CLD2 with word lists behind it, for one region; figures: docs/decisions/language-gate.md.

    A text is believed to be in another language where CLD2 is sure of it, finds less than
    ``min_own_share`` of the text in the region's own class, and has as many letters as the
    region's file demands for that language, or enough words of that language's list; and where
    the words of a neighbour that CLD2 does not know outweigh the region's own.
    """

    def __init__(self, region: Region, *, min_own_share: float, register_lists: list[str]) -> None:
        self._own = {region.cld2, *region.same_class}
        self._own_list = region.code if has_words(region.code) else ""
        self._neighbours = list(region.neighbours)
        self._neighbour_words = frozenset[str]().union(*map(load_words, self._neighbours))
        self._confusable = dict(region.confusable)
        self._min_own_share = min_own_share
        names = [self._own_list] if self._own_list else []
        names += [*self._neighbours, *filter(has_words, self._confusable), *register_lists]
        self._lexicons = Lexicons(dict.fromkeys(names))

    def read(self, text: str) -> Words:
        """Return the text's words, to be looked up in the lists of the region."""
        return self._lexicons.read(text)

    def judge(self, text: str, words: Words) -> Finding:
        """Return what the detectors find in a document."""
        cld2, own_share = self._ask_cld2(text)
        other = self._neighbour(words)
        if not other and self._is_other(cld2, own_share):
            needed = self._confusable.get(cld2, _ROW_LETTERS)
            is_own = self.shows_own(words, least=_OWN_ROW_SHARE)
            is_long = count_letters(text).total() >= needed and not is_own
            other = cld2 if is_long or self._has_words(cld2, words) else ""
        return Finding(cld2, own_share, other)

    def judge_line(self, line: str, words: Words) -> str:
        """Return the language a line is believed to be in, or ``""``: its own, or too short."""
        if neighbour := self._neighbour(words, min_words=_LINE_WORDS):
            return neighbour
        cld2, own_share = self._ask_cld2(line)
        if not self._is_other(cld2, own_share):
            return ""
        needed = max(self._confusable.get(cld2, 0), _LINE_LETTERS)
        is_long = words.num_letters >= needed and not words.hits(self._own_list)
        return cld2 if is_long or self._has_words(cld2, words) else ""

    def is_pure(self, finding: Finding, *, share: float) -> bool:
        """Return whether CLD2 is sure of the region's class, for so much of the text."""
        return finding.cld2 in self._own and finding.own_share >= share

    def shows_own(self, words: Words, *, least: float = _OWN_SHARE) -> bool:
        """Return whether the region's function words alone prove that a text is in its language."""
        hits = words.hits(self._own_list)
        return hits >= max(_MIN_WORDS, least * words.total)

    def _is_other(self, cld2: str, own_share: float) -> bool:
        return cld2 not in ("", *self._own) and own_share < self._min_own_share

    def _neighbour(self, words: Words, *, min_words: int = _MIN_WORDS) -> str:
        if words.hits_in(self._neighbour_words) < min_words:
            return ""
        for name in self._neighbours:
            hits = words.hits(name)
            is_many = hits >= max(min_words, _NEIGHBOUR_SHARE * words.total)
            if is_many and hits > words.hits(self._own_list):
                return max(self._neighbours, key=words.hits)
        return ""

    def _has_words(self, language: str, words: Words) -> bool:
        """Return whether words prove a language: many of its own, hardly any of the region's."""
        hits = words.hits(language)
        is_many = hits >= max(_CERTAIN_WORDS, _CERTAIN_SHARE * words.total)
        return is_many and hits >= _CERTAIN_RATIO * words.hits(self._own_list)

    def _ask_cld2(self, text: str) -> tuple[str, float]:
        try:
            is_reliable, _, found = pycld2.detect(text.encode())
        except pycld2.error:
            return "", 0.0
        language = found[0][1]
        own_share = sum(percent for _, code, percent, _ in found if code in self._own) / 100
        return (language if is_reliable and language != _UNKNOWN else ""), own_share
