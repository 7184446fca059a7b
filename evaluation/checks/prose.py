"""What of an answer is its own running text: no code, no quotations."""

import re

from ...data.language.lines import without_code

_QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|(?<!\w)'[^'\n]{3,400}'(?!\w)"
)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_BULLET = re.compile(r"^\s*(?:[-*+•–]|\d+[.)]|[०-९]+[.)])\s+")
_EMPHASIS = re.compile(r"\*\*|__|^#+\s*")


def without_quotes(text: str) -> str:
    """Return the text without its code and quotations, whose words are not the answer's own."""
    return _QUOTED.sub(" ", _INLINE_CODE.sub(" ", without_code(text)))


def prose_lines(text: str) -> list[str]:
    """Return the lines outside code, without the marks of lists, headings and emphasis."""
    lines = _INLINE_CODE.sub(" ", without_code(text)).split("\n")
    plain = [_EMPHASIS.sub("", _BULLET.sub("", line)).strip() for line in lines]
    return [line for line in plain if line]
