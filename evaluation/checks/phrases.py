"""Our own word and phrase lists: ``evaluation/checks/phrases/<name>.txt``, one pattern a line."""

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "phrases"
_BEFORE = r"(?<![\w\u0900-\u0903\u093a-\u094f-])"
_AFTER = r"(?![\w\u0900-\u0903\u093a-\u094f]|-\w)"


@cache
def load_phrases(name: str) -> re.Pattern[str]:
    """Return one pattern that finds any line of a list at word borders, whatever the case.

    A line is a regular expression without groups of its own; ``#`` starts a comment. A hyphen is
    part of a word (``ka-edad`` is not ``ka``), and so are vowel signs of Devanagari, which are no
    word characters for ``re``.
    """
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    phrases = [phrase for line in lines if (phrase := line.partition("#")[0].strip())]
    return re.compile(rf"{_BEFORE}(?:{'|'.join(phrases)}){_AFTER}", re.IGNORECASE)


@cache
def load_list(name: str) -> frozenset[str]:
    """Return the words of a list that stand between white space."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines for word in line.partition("#")[0].split())


def has_phrases(name: str) -> bool:
    """Return whether a list of this name ships with lokal."""
    return (_FOLDER / f"{name}.txt").is_file()
