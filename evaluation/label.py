"""Which of a suite's labels a free-text reply names."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache


def extract_label(reply: str, labels: Sequence[str]) -> str | None:
    """Return the one label that the reply names, or None if it names none or several.

    A label counts wherever it stands as whole words, in any case, after Unicode NFKC. Half of a
    double label counts for all of it: "technology" alone names "science/technology"; a label that
    stands inside another, as "entailed" in "not-entailed", does not count there. With this rule
    the recorded GPT-4 replies score as their authors' figures do (id 0.71 of all, 0.91 of parsed).
    """
    text = unicodedata.normalize("NFKC", reply).casefold()
    named = [label for label in labels if _stands_alone(label, text, labels)]
    return named[0] if len(named) == 1 else None


def _stands_alone(label: str, text: str, labels: Sequence[str]) -> bool:
    found = [match.span() for match in _pattern(label).finditer(text)]
    if not found:
        return False
    longer = [other for other in labels if other != label and _fold(label) in _fold(other)]
    covered = [match.span() for other in longer for match in _pattern(other).finditer(text)]
    return any(
        not any(low <= start and end <= high for low, high in covered) for start, end in found
    )


def _fold(label: str) -> str:
    return unicodedata.normalize("NFKC", label).casefold()


@cache
def _pattern(label: str) -> re.Pattern[str]:
    names = sorted({label, *label.split("/")}, key=len, reverse=True)
    words = (re.escape(_fold(name)) for name in names)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")
