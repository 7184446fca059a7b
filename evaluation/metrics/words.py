"""Words and sentences of a text, in Latin and in Devanagari alike."""

import re
import unicodedata

# A sentence ends at . ! ? … or a danda, with what closes it, before a space or the line's end.
_END = re.compile(r"(?:[.!?…]+|[।॥]+)[\"'”’»)\]*_]*(?=\s|$)|[।॥]")
# No sentence ends after one letter ("R. A. Kartini", "U.S."), or after a title of our languages.
# Those that stand at a sentence's end as often ("dll.", "no.") are not in the list.
_TITLE = re.compile(
    r"(?:^|[\s(\"'“‘])(?:(?:[^\W\d_]\.)*[^\W\d_]|dr|mr|mrs|ms|jr|sr|prof|ir|drs|jl|tb|yth|sdr|"
    r"atty|engr|hon|sen|rep|gov|gen|col|sgt|mt|pres|sec|vs|श्री|डॉ|प्रो)\.$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\bno\.$", re.IGNORECASE)
"""Ends no sentence where a number follows: "Jl. Tubun No. 3"."""
_LIST_MARK = re.compile(r"^\s*(?:[*+\-•#>]+|\d+[.)])\s+")


def words(text: str) -> list[str]:
    """Return the text's words: runs of letters, vowel signs and digits, as they stand.

    A hyphen parts two words, as in IFEval's count; joiners stay inside their word.
    """
    found: list[str] = []
    word: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if _is_of_word(character):
            word.append(character)
        elif word:
            found.append("".join(word))
            word.clear()
    if word:
        found.append("".join(word))
    return [word for word in found if any(character.isalnum() for character in word)]


def sentences(text: str) -> list[str]:
    """Return the text's sentences in order; a line break ends one, as in a list or a title."""
    found: list[str] = []
    for line in text.splitlines():
        found += _sentences_of_line(_LIST_MARK.sub("", line))
    return found


def _sentences_of_line(line: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(line):
        piece = line[start : end.end()]
        if not words(piece) or _TITLE.search(piece):
            continue
        if _NUMBER.search(piece) and line[end.end() :].lstrip()[:1].isdecimal():
            continue
        found.append(piece.strip())
        start = end.end()
    rest = line[start:].strip()
    return [*found, rest] if words(rest) else found


def _is_of_word(character: str) -> bool:
    """Return whether a word goes on: letter, mark, digit, or a joiner inside Devanagari."""
    return unicodedata.category(character)[0] in "LMN" or character in "\u200c\u200d"
