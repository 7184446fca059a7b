"""Rejoins lines that were broken at a width, where a text really is; verse and lists stay."""

import re
from collections import Counter
from typing import NamedTuple

from .markdown_text import BLOCK_MARK

MIN_LINES = 8
MIN_WIDTH = 55
"""Verse in our languages rarely has longer lines; columns of print are not much shorter."""
MAX_WIDTH = 110
_SLACK = 3
_MIN_PAIRS = 5
_FULL_SHARE = 0.75
_MID_SHARE = 0.5
_PARAGRAPH_SHARE = 0.6
MIN_LOOSE_WIDTH = 60
"""Lines broken anywhere must be longer: of one Hindi corpus it parts a novel's from an epic's."""
_MIN_ORPHANS = 5
_ORPHAN_SHARE = 0.05
_FULL_LENGTH = 0.6
"""A shorter line is not full, whatever follows: the next word may be a long address."""
_FOOT_LENGTH = 30

# Where a sentence or a part of one ends; avagraha stands for a danda in texts of an old Hindi font.
_ENDS = re.compile(r"[.?!;:,।॥…ऽ][\"'”’)\]»]*$")
_SENTENCE_ENDS = re.compile(r"[.?!।॥…ऽॐऋ][\"'”’)\]»]*$")
_ITEM = re.compile(r"\s*(?:[-*+•–—·]+ |[(\[]?(?:\d{1,3}|[a-zA-Z])[.)\]] |#|>|\||\ue000)")
_ORPHAN = re.compile(r"\s*[.,;:!?।॥ऽ](?=[\s\"'”’)]|$)")
_PAGE = re.compile(
    r"\s*(?:[-–—]\s?\d{1,4}\s?[-–—]|\[?(?:[Pp]g?\.?|[Pp]age|[Hh]alaman|[Hh]al\.|[Pp]ahina|पृष्ठ)"
    r"\s?[\d०-९]{1,4}\]?|[\d०-९]{1,3})\s*"
)
_BROKEN_WORD = re.compile(r"([^\W\d_][\w\u0900-\u097f'’~^]*)-$")
_FIRST_WORD = re.compile(r"\s*([^\W\d_][\w\u0900-\u097f'’~^]*)")
_VOWELS = "aeiouáàâéèêíìîóòôúùû"
# What a hyphen may stand behind for good: prefixes before a vowel or a name.
_PREFIXES = re.compile(
    "mag|nag|pag|mang|nang|pang|mapag|napag|makapag|nakapag|pinag|ipag|taga|tag|tig|ika|ka|di|"
    "anti|non|ex|pasca|pra|pro|eks|ke|se|ber"
)


class Rejoined(NamedTuple):
    """A text without its hard wraps, and what was done."""

    text: str
    num_joined: int
    num_page_numbers: int


def rejoin_lines(text: str) -> Rejoined:
    """Return the text with lines joined that a program or a printer broke, or as it is.

    A line was broken at a width if the next word would not have fitted; so nearly all lines of a
    hard-wrapped text are, in mid-sentence most of the time, and those of verse are not. Lines that
    begin with a full stop or comma show that a text was broken anywhere: it is joined by paragraph.
    Page numbers go from texts that are rejoined.
    """
    if text.count("\n") < MIN_LINES - 1:
        return Rejoined(text, 0, 0)
    lines = text.split("\n")
    lengths = sorted(len(line) for line in lines if line)
    width = lengths[int(0.98 * (len(lengths) - 1))]
    if not MIN_WIDTH <= width <= MAX_WIDTH or len(lengths) < MIN_LINES:
        return Rejoined(text, 0, 0)
    orphans = sum(_ORPHAN.match(line) is not None for line in lines)
    if orphans >= max(_MIN_ORPHANS, _ORPHAN_SHARE * len(lengths)):
        if width < MIN_LOOSE_WIDTH:
            return Rejoined(text, 0, 0)
        lines, num_pages = _without_page_numbers(lines)
        breaks = _loose_breaks(lines)
    else:
        full = _full_lines(lines, width=width)
        breaks = _width_breaks(lines, full=full, width=width)
        if not breaks:
            return Rejoined(text, 0, 0)
        lines, num_pages = _without_page_numbers(lines)
        if num_pages:
            breaks = _width_breaks(lines, full=_full_lines(lines, width=width), width=width)
    return Rejoined(_join(lines, breaks=breaks), len(breaks), num_pages)


def _full_lines(lines: list[str], *, width: int) -> dict[int, bool]:
    """Return, for each line with another below, whether that one's first word had no room."""
    full: dict[int, bool] = {}
    for index in range(len(lines) - 1):
        line, after = lines[index], lines[index + 1]
        if line and after and not _ITEM.match(after):
            word = len(after.split(None, 1)[0])
            long = len(line) >= _FULL_LENGTH * width
            full[index] = long and len(line) + 1 + word > width - _SLACK
    return full


def _width_breaks(lines: list[str], *, full: dict[int, bool], width: int) -> set[int]:
    """Return the lines to be joined with the next: of a wrapped text, or within a mixed one."""
    mid = {index for index in full if _is_mid_sentence(lines, index)}
    full_mid = {index for index in mid if full[index]}
    num_full = sum(full.values())
    if len(full_mid) < _MIN_PAIRS:
        return set()
    if num_full >= _FULL_SHARE * len(full) and len(full_mid) >= _MID_SHARE * num_full:
        return _in_full_paragraphs(full)
    long_mid = {index for index in mid if len(lines[index]) >= width / 2}
    running = {index for index in full_mid if _runs_on(lines[index + 1])}
    if len(running) >= max(_MIN_PAIRS, _FULL_SHARE * sum(_runs_on(lines[i + 1]) for i in long_mid)):
        return running | {i for i in full_mid if i - 1 in running or i + 1 in running}
    return set()


def _is_mid_sentence(lines: list[str], index: int) -> bool:
    return _ENDS.search(lines[index]) is None


def _runs_on(line: str) -> bool:
    """Return whether a line can't begin a sentence: it begins with a small letter."""
    return line.lstrip()[:1].islower()


def _in_full_paragraphs(full: dict[int, bool]) -> set[int]:
    """Return the full lines of those paragraphs in which most are full; verse is left alone."""
    breaks: set[int] = set()
    paragraph: list[int] = []
    for index in [*full, -1]:
        if paragraph and index != paragraph[-1] + 1:
            chosen = [line for line in paragraph if full[line]]
            if len(chosen) >= _PARAGRAPH_SHARE * len(paragraph):
                breaks.update(chosen)
            paragraph = []
        paragraph.append(index)
    return breaks


def _loose_breaks(lines: list[str]) -> set[int]:
    """Return the lines to be joined with the next in a text whose lines were broken anywhere."""
    breaks: set[int] = set()
    for index in range(len(lines) - 1):
        line, after = lines[index], lines[index + 1]
        if not line or not after or line[0] == BLOCK_MARK:
            continue
        new_paragraph = after[0] == " " and _SENTENCE_ENDS.search(line)
        if _ORPHAN.match(after) or not (new_paragraph or _ITEM.match(after)):
            breaks.add(index)
    return breaks


def _without_page_numbers(lines: list[str]) -> tuple[list[str], int]:
    """Return the lines without page numbers, and how many there were.

    A number counts that stands alone between empty lines or at an end of the text. Short lines
    above it are a running foot: they stay, apart, for the line counts to judge.
    """
    kept: list[str] = []
    number = 0
    for index, line in enumerate(lines):
        above = index == 0 or not lines[index - 1]
        below = index == len(lines) - 1 or not lines[index + 1]
        if line and (above or below) and len(line) <= _FOOT_LENGTH and _PAGE.fullmatch(line):
            number += 1
            _set_foot_apart(kept)
            kept.append("")
        else:
            kept.append(line)
    return kept, number


def _set_foot_apart(kept: list[str]) -> None:
    while kept and not kept[-1]:
        kept.pop()
    start = len(kept)
    while start and len(kept) - start < 2 and 0 < len(kept[start - 1]) <= _FOOT_LENGTH:
        if _SENTENCE_ENDS.search(kept[start - 1]):
            break
        start -= 1
    if start < len(kept):
        kept[start:] = ["", " ".join(line.strip() for line in kept[start:])]


def _join(lines: list[str], *, breaks: set[int]) -> str:
    """Return the text with a blank, or nothing behind a hyphen, in the place of these breaks."""
    words: Counter[str] | None = None
    pieces: list[str] = []
    for index, line in enumerate(lines):
        joined = index - 1 in breaks
        line = line.strip() if joined else line
        if joined and pieces and (broken := _BROKEN_WORD.search(pieces[-1])):
            if words is None:
                words = Counter(re.findall(r"[\w'’~^-]+", " ".join(lines).lower()))
            if not _keeps_hyphen(broken[1], line, words=words):
                pieces[-1] = pieces[-1][:-1]
            pieces.append(line)
        elif joined:
            tight = _ORPHAN.match(line) or (pieces and pieces[-1].endswith("--"))
            pieces.append(line if tight else f" {line}")
        else:
            pieces.append(f"\n{line}" if index else line)
    return re.sub(r"\n{3,}", "\n\n", "".join(pieces)).strip()


def _keeps_hyphen(first: str, after: str, *, words: Counter[str]) -> bool:
    """Return whether the hyphen at a line's end belongs to the word: mag-aral, araw-araw.

    The document's own spelling decides if it has one. Else it stays behind a prefix, in a doubled
    word, before a capital, and between a consonant and a vowel, where Tagalog speaks a stop.
    """
    match = _FIRST_WORD.match(after)
    if match is None:
        return True
    first, second = first.lower(), match[1]
    with_hyphen, without = words[f"{first}-{second.lower()}"], words[first + second.lower()]
    if with_hyphen != without:
        return with_hyphen > without
    if second[0].isupper() or second.lower().startswith(first) or first.endswith(second.lower()):
        return True
    stop = first[-1] not in _VOWELS and second[0] in _VOWELS
    return stop or _PREFIXES.fullmatch(first) is not None
