"""Word lists that tell close languages and registers apart: ``data/lexicons/<name>.txt``."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from ..errors import UserError

_FOLDER = Path(__file__).parent.parent / "lexicons"
# A word ends at white space, digits and punctuation; an apostrophe is part of it, and so are
# vowel signs and joiners of Devanagari, which ``\w`` would split at.
_WORD = re.compile(r"[^\s!-&(-/0-9:-@\[-`{-~¡-¿‐-‘“-‟†-⁞।॥]+")

_ALL = "*"
_NO_WORDS: frozenset[str] = frozenset()


class Words:
    """The words of a text, to be looked up in the lists."""

    __slots__ = ("_hits", "_known", "_lists", "_words", "total")

    def __init__(self, words: list[str], lists: Mapping[str, frozenset[str]]) -> None:
        self._words = words
        self._lists = lists
        self._known: list[str] | None = None
        self._hits: dict[str, int] = {}
        self.total = len(words)

    def hits(self, name: str) -> int:
        """Return how many words of the text stand in the list; 0 for a list that is not read."""
        if name not in self._hits:
            self._hits[name] = self.hits_in(self._lists.get(name, _NO_WORDS))
        return self._hits[name]

    def hits_in(self, words: frozenset[str]) -> int:
        """Return how many words of the text are among these, which must be part of the lists."""
        if self._known is None:
            self._known = list(filter(self._lists[_ALL].__contains__, self._words))
        return sum(map(words.__contains__, self._known))

    @property
    def num_letters(self) -> int:
        """Letters, vowel signs and apostrophes in the words."""
        return sum(map(len, self._words))


class Lexicons:
    """Some of the shipped lists, looked up together."""

    def __init__(self, names: Iterable[str]) -> None:
        self._lists = {name: load_words(name) for name in names}
        self._lists[_ALL] = _NO_WORDS.union(*self._lists.values())

    def read(self, text: str) -> Words:
        """Return the words of the text."""
        return Words(_WORD.findall(text.lower().replace("’", "'")), self._lists)


def has_words(name: str) -> bool:
    """Return whether a list of this name ships with lokal."""
    return (_FOLDER / f"{name}.txt").is_file()


@cache
def load_words(name: str) -> frozenset[str]:
    """Return the words of a list, lower case.

    Raises:
        UserError: there is no such list.
    """
    if not has_words(name):
        known = ", ".join(sorted(path.stem for path in _FOLDER.glob("*.txt")))
        raise UserError(f"no word list {name!r} in data/lexicons: choose one of {known}")
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines for word in line.partition("#")[0].split())
