"""Which lines of a document are prose, so that their language may speak for themselves."""

import re

from .lexicon import Words

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\S*)")
# Indented code, tables, links, markup. A heading is prose.
_NOT_PROSE = re.compile(r"(?:    |\t|\s*(?:[>|<${}]|[-*+] \[|!?\[|https?://))")
_QUOTED = re.compile(r"\s*[\"'“‘«].*[\"'”’»][\s.,;!?—-]*$")
# A link, an assignment, a call, a dotted or underscored name, emphasis in Markdown.
_MARKS = re.compile(
    r"\]\(|://|\*\*|[{};]| = |\w\(\w*\)|\w_\w|\w\.[A-Za-z]+[.(]|^\s*(?:REM|//|#|') "
)
_ADDRESS = re.compile(r"\(?\bhttps?://\S*")
_MARKED_WORDS = 15
"""A shorter line with such a mark is no prose; a longer one may mention one."""
_MIN_LETTER_SHARE = 0.7
_MAX_CAPITALISED = 0.6


def is_prose(line: str, words: Words) -> bool:
    """Return whether a line is running text: no code, table, link, quotation, list of names."""
    if _NOT_PROSE.match(line) or _QUOTED.match(line):
        return False
    if words.total < _MARKED_WORDS and _MARKS.search(line):
        return False
    parts = line.split()
    if words.num_letters < _MIN_LETTER_SHARE * sum(map(len, parts)):
        return False
    capitalised = sum(part[:1].isupper() for part in parts)
    return capitalised <= _MAX_CAPITALISED * len(parts)


def without_addresses(line: str) -> str:
    """Return the line without web addresses, which detectors take for all kinds of languages."""
    return _ADDRESS.sub(" ", line) if "://" in line else line


def without_code(text: str) -> str:
    """Return the text without its fenced blocks of code."""
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        is_fence, fence = next_fence(line, fence)
        if not fence and not is_fence:
            kept.append(line)
    return "\n".join(kept)


def next_fence(line: str, fence: str) -> tuple[bool, str]:
    """Return whether the line opens or closes a block of code, and the fence that is open now.

    As in CommonMark a block is closed by a bare fence of its kind that is as long or longer, so
    that fences shown inside the block do not close it.
    """
    match = _FENCE.match(line)
    if match is None:
        return False, fence
    marks, info = match.groups()
    if not fence:
        return True, marks
    closes = marks.startswith(fence) and not info
    return closes, "" if closes else fence
