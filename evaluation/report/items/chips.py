"""Characters that cannot be seen, shown as chips; what shapes a word or an emoji stays."""

import unicodedata
from collections.abc import Iterator

import regex
from markupsafe import Markup

_HIDDEN = regex.compile(
    r"[\p{Cf}\p{Cc}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0--[\t\n]]", regex.V1
)
_JOINERS = "\u200c\u200d"
_SHORT = {
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\u00ad": "SHY",
    "\ufeff": "BOM",
}
_CHIP = Markup('<span class="chip" title="{name}">{short}</span>')


def show(text: str) -> Markup:
    """Return the text for a page: escaped, with a chip for each character that has no picture.

    ZWJ and ZWNJ after a letter or sign of a script that joins (Devanagari) shape the word and are
    left alone, as are those inside an emoji.
    """
    return Markup("").join(_pieces(text))


def _pieces(text: str) -> Iterator[str | Markup]:
    start = 0
    for match in _HIDDEN.finditer(text):
        if _shapes(text, match.start()):
            continue
        yield text[start : match.start()]
        yield _chip(match.group())
        start = match.end()
    yield text[start:]


def _chip(character: str) -> Markup:
    short = _SHORT.get(character, f"U+{ord(character):04X}")
    return _CHIP.format(name=unicodedata.name(character, "control character").lower(), short=short)


def _shapes(text: str, place: int) -> bool:
    """Return whether a joiner stands where it shapes what is seen."""
    if text[place] not in _JOINERS or place == 0:
        return False
    before, after = text[place - 1], text[place + 1 : place + 2]
    if regex.match(r"\p{Devanagari}", before):
        return True
    return (
        bool(after)
        and text[place] == "\u200d"
        and all(
            regex.match(r"\p{Extended_Pictographic}|\p{EMod}|\ufe0f", one)
            for one in (before, after)
        )
    )
