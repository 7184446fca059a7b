"""Where sentences and lines start, counted in the words of ``match_key``."""

import re
import unicodedata

from ..matching import match_key

_SENTENCE_END = re.compile(r"(?<=[.!?।॥\"”’])\s+|\n")
_BREAKS = frozenset('\n\r\t\x0b\x0c\x85\u2028\u2029.!?।॥:;"“”„«»()[]{}|*#<>=•…–—')


def segment_starts(text: str) -> frozenset[int]:
    """Return the numbers of the words that start a sentence, line, quotation or bracket.

    The number of all words is among them: there the text ends. Words are those of ``match_key``,
    for which a hyphen and a comma separate words but end no sentence.
    """
    starts = {0}
    num_words = 0
    for segment in text.casefold().translate(_TABLE).split("\n"):
        num_words += len(segment.split())
        starts.add(num_words)
    return frozenset(starts)


def line_starts(text: str) -> frozenset[int]:
    """Return the numbers of the words that start a line, and the number of all words."""
    starts = {0}
    num_words = 0
    for line in text.split("\n"):
        num_words += len(match_key(line).split())
        starts.add(num_words)
    return frozenset(starts)


def sentences_of(text: str) -> list[str]:
    """Return the sentences and lines of a text, roughly: an abbreviation's full stop cuts too."""
    return _SENTENCE_END.split(text)


class _Table(dict[int, int | None]):
    """Fills itself as match_key's table does, with a line end for what ends a sentence."""

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        if chr(code) in _BREAKS:
            value: int | None = 0x0A
        elif category[0] in "LMN":
            value = code
        else:
            value = None if category == "Cf" else 0x20
        self[code] = value
        return value


_TABLE = _Table()
