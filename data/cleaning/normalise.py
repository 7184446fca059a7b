"""One Unicode form and plain white space for a text; joiners that shape letters stay."""

import re
import unicodedata
from typing import NamedTuple

from .mojibake import repair_mojibake

# Anything but letters, marks and plain punctuation; a text without it skips most of the work.
_ODD = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u1680\u2000-\u2011\u2028-\u202f\u205f-\u206f]")
_ODD_BEYOND = re.compile(r"[\u3000\ufeff\ufff9-\ufffb\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_BLANKS = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# No text: marks of direction; zero-width space, word joiner, soft hyphen, byte order mark.
_DIRECTION = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u206f]+")
_ZERO_WIDTH = re.compile(r"[\u00ad\u200b\u2060-\u2064\ufeff]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ud800-\udfff]+")
# A joiner shapes a Devanagari letter only beside a virama, and joins emoji and the letters of
# some other scripts. Behind Latin, Greek or Cyrillic letters, other Devanagari signs, white
# space or nothing it does nothing and hides duplicates.
_IDLE_JOINERS = re.compile(
    r"(?<![^\s\x00-\u052f\u0900-\u094c\u094e-\u097f\u1e00-\u1fff\u200c\u200d\u2010-\u2027])"
    r"[\u200c\u200d]+(?!\u094d)"
)
_REPEATED_JOINERS = re.compile(r"([\u200c\u200d])\1+")
_HYPHENS = re.compile(r"(?<=\w)[\u2010\u2011](?=\w)")
# jum`at, siya´y: keys beside the apostrophe's. A line with `code` keeps them all.
_APOSTROPHES = re.compile(r"(?<=[^\W\d_])[`\u00b4](?=[^\W\d_])")
_CODE_LINE = re.compile(r"(?<![^\W\d_])`|`(?![^\W\d_])")
_SPACED = re.compile(r"(?<=\S) {2,}")
_TRAILING_BLANKS = re.compile(r"(?<! ) +$", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")

_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
# The nukta belongs to the consonant; NFC moves it before a virama, but not before a vowel sign.
_LATE_NUKTA = re.compile(r"([\u0915-\u0939])([\u0900-\u0903\u093e-\u094c]+)\u093c+")
_REPEATED_NUKTA = re.compile(r"\u093c{2,}")
# Looks like one vowel and is typed as two: the Unicode Standard's "Do Not Emit" table.
_SPLIT_VOWELS = {
    "\u0905\u093e": "\u0906",  # अ + ा
    "\u0905\u0949": "\u0911",
    "\u0905\u094b": "\u0913",
    "\u0905\u094c": "\u0914",
    "\u0906\u0945": "\u0911",
    "\u0906\u0947": "\u0913",
    "\u0906\u0948": "\u0914",
    "\u0909\u0941": "\u090a",
    "\u090f\u0945": "\u090d",
    "\u090f\u0947": "\u0910",
}
_SPLIT_VOWEL = re.compile("|".join(_SPLIT_VOWELS))
# No blank before a danda; after "॥ 1" it stays, for verse numbers.
_BLANK_BEFORE_DANDA = re.compile(r"(?<=[^\s।॥\d]) +(?=[।॥])|(?<=\d) +(?=।)")
_TIGHT_DANDA = re.compile(r"(?<=[\u0900-\u0963\u0970-\u097f])([।॥])(?=[^\W\d_])")
# A pipe typed for a danda ends a Hindi line, or stands behind a word and before a blank. A line
# with a pipe in front or blanks around one is a table or a menu, with >| a diagram.
_PIPE_LINE = re.compile(
    r"^(?![ >]*\|)(?!.*(?: \| +\S|>\|))(?=.*[\u0900-\u097f]).*\|.*$", re.MULTILINE
)
_PIPE = re.compile(r"(?<=[\w\u0900-\u0963)\"'”’]) ?\|(?= |$|[\"'”’)])")


class Normalised(NamedTuple):
    """A text in its one form, and what was done to it."""

    text: str
    changes: dict[str, int]
    """How often each thing was changed, such as ``zero-width removed``; not white space and NFC."""


def normalise_text(text: str) -> str:
    """Return the text in its one form; see ``normalise``."""
    return normalise(text).text


def normalise(text: str) -> Normalised:
    """Return the text in NFC, without invisible characters, with plain spaces and line ends.

    Indentation stays, as code and lists need it; other runs of blanks become one space, runs of
    empty lines one. Mojibake is repaired, digits and quotation marks stay. In Devanagari the nukta
    stands behind its consonant, a danda behind its word and before one blank. Doing it twice
    changes nothing more.
    """
    changes: dict[str, int] = {}
    repaired = repair_mojibake(text)
    if repaired.num_lines:
        text = repaired.text
        changes["mojibake repaired"] = repaired.num_lines
    if _ODD.search(text) or (not text.isascii() and _ODD_BEYOND.search(text)):
        text = _plain(text, changes=changes)
    if "`" in text or "\u00b4" in text:
        text = _plain_apostrophes(text, changes=changes)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if not text.isascii() and _DEVANAGARI.search(text):
        text = _devanagari(text, changes=changes)
    if "  " in text:
        text = _SPACED.sub(" ", text)
    if " \n" in text or text.endswith(" "):
        text = _TRAILING_BLANKS.sub("", text)
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return Normalised(text.strip(), changes)


def _plain(text: str, *, changes: dict[str, int]) -> str:
    """Return the text with one kind of line end, blank and hyphen, and nothing invisible."""
    text = _LINE_ENDS.sub("\n", text)
    text = _BLANKS.sub(" ", text)
    text = _substitute(_DIRECTION, "", text, changes, "marks of direction removed")
    text = _substitute(_ZERO_WIDTH, "", text, changes, "zero-width removed")
    text = _substitute(_CONTROL, "", text, changes, "control characters removed")
    if "\u200c" in text or "\u200d" in text:
        text = _substitute(_IDLE_JOINERS, "", text, changes, "idle joiners removed")
        text = _substitute(_REPEATED_JOINERS, r"\1", text, changes, "idle joiners removed")
    if "\u2010" in text or "\u2011" in text:
        text = _substitute(_HYPHENS, "-", text, changes, "hyphen made plain")
    return text


def _plain_apostrophes(text: str, *, changes: dict[str, int]) -> str:
    """Return the text with an apostrophe for a backtick or acute accent between two letters."""
    if not _APOSTROPHES.search(text):
        return text
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if not _CODE_LINE.search(line):
            lines[index] = _substitute(_APOSTROPHES, "'", line, changes, "apostrophe made plain")
    return "\n".join(lines)


def _devanagari(text: str, *, changes: dict[str, int]) -> str:
    """Return the text with nukta, vowels and danda in their one form."""
    if "\u093c" in text:
        text = _substitute(_LATE_NUKTA, "\\1\u093c\\2", text, changes, "nukta moved")
        text = _substitute(_REPEATED_NUKTA, "\u093c", text, changes, "nukta moved")
    vowel = _SPLIT_VOWELS.__getitem__
    text, number = _SPLIT_VOWEL.subn(lambda match: vowel(match[0]), text)
    if number:
        changes["split vowels joined"] = number
    if "|" in text:
        text = _pipes_to_dandas(text, changes=changes)
    if " ।" in text or " ॥" in text:
        text = _substitute(_BLANK_BEFORE_DANDA, "", text, changes, "danda spaced")
    if "।" in text or "॥" in text:
        text = _substitute(_TIGHT_DANDA, r"\1 ", text, changes, "danda spaced")
    return text


def _pipes_to_dandas(text: str, *, changes: dict[str, int]) -> str:
    """Return the text with a danda where a pipe ends a Devanagari sentence."""

    def line(match: re.Match[str]) -> str:
        return _substitute(_PIPE, "।", match[0], changes, "pipe read as danda")

    return _PIPE_LINE.sub(line, text)


def _substitute(
    pattern: re.Pattern[str], by: str, text: str, changes: dict[str, int], what: str
) -> str:
    text, number = pattern.subn(by, text)
    if number:
        changes[what] = changes.get(what, 0) + number
    return text
