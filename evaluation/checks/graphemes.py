"""Length as a reader sees it: user-perceived characters, not code points."""

import regex

_GRAPHEME = regex.compile(r"\X")


def count_graphemes(text: str) -> int:
    """Return the number of extended grapheme clusters: ``क्षि`` and a flag emoji count as one."""
    if text.isascii() and "\r" not in text:
        return len(text)
    return sum(1 for _ in _GRAPHEME.finditer(text))
