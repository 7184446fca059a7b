"""Finds personal values in a text: one fast scan for places that may hold one, then the rules."""

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

from .rule import AMOUNTS, THINGS, Rule

_DIGIT = "0-9०-९"
_GAP = r"[ .()\-/\u00a0\u2009\u2010-\u2013\u2212]"
_PLACE = re.compile(
    rf"[{_DIGIT}@:(\[{{](?:(?<=@)|(?<=:)[0-9A-Fa-f]{{0,4}}:|(?<=[(\[{{]) ?[aA][tT] ?[)\]}}]"
    rf"|(?<=[{_DIGIT}])(?:[{_DIGIT}]{{6}}|(?:{_GAP}{{0,3}}[{_DIGIT}]){{8}}|[0-9]{{3}}[A-Z]"
    r"|[0-9]{2,3}-[0-9]{4}(?![0-9])|[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]))"
)
"""Nine digits close by, seven in a row, ``999-9999``, ``9999A``, ``9.9.9.9``, ``:ab:``, ``@``."""
_BEFORE, _AFTER = 96, 80
"""Characters around such a place that the rules see."""
_WORDS_BEFORE, _WORDS_AFTER = 64, 32
_THING_BEFORE = 28
_FAR = 1000
_SAME = {
    **{ord("०") + value: str(value) for value in range(10)},
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2009\u202f"), " "),
}
"""Devanagari digits, dashes and hard spaces, read as ASCII; one character for one."""


class Hit(NamedTuple):
    """One personal value in a text."""

    start: int
    end: int
    rule: Rule


def find_pii(text: str, rules: list[Rule]) -> list[Hit]:
    """Return the values found, in their order; no two overlap."""
    hits: list[Hit] = []
    for start, end in _places(text):
        window = text[start:end]
        if not window.isascii():
            window = window.translate(_SAME)
        hits += [Hit(start + at, start + to, rule) for at, to, rule in _hits_in(window, rules)]
    return hits


def _places(text: str) -> Iterator[tuple[int, int]]:
    start = end = -1
    for match in _PLACE.finditer(text):
        if end < 0 or match.start() - _BEFORE > end:
            if end >= 0:
                yield start, end
            start = max(0, match.start() - _BEFORE)
        end = min(len(text), match.end() + _AFTER)
    if end >= 0:
        yield start, end


def _hits_in(window: str, rules: list[Rule]) -> list[tuple[int, int, Rule]]:
    claims: list[tuple[int, int, int, int, int]] = []
    for order, rule in enumerate(rules):
        for pattern, is_vague in ((rule.clear, False), (rule.vague, True)):
            for match in pattern.finditer(window) if pattern is not None else ():
                start, end = match.start(), _valid_end(match, rule)
                if end is None:
                    continue
                distance = _distance(window, start, end, rule)
                if distance is not None and not (is_vague and distance == _FAR):
                    claims.append((start - end, distance, -order, start, end))
    taken: list[tuple[int, int, int]] = []
    for _, _, order, start, end in sorted(claims):
        at = bisect(taken, (start,))
        is_free_before = at == 0 or taken[at - 1][1] <= start
        if is_free_before and (at == len(taken) or end <= taken[at][0]):
            taken.insert(at, (start, end, -order))
    return [(start, end, rules[order]) for start, end, order in taken]


def _valid_end(match: re.Match[str], rule: Rule) -> int | None:
    """Return where the value ends, without groups that do not belong to it, or None."""
    value = match.group()
    while not rule.is_valid(value):
        cut = max(value.rfind(" "), value.rfind("-"))
        if cut < 1:
            return None
        value = value[:cut].rstrip(" -")
    return match.start() + len(value)


def _distance(window: str, start: int, end: int, rule: Rule) -> int | None:
    """Return characters to the nearest word of the rule, _FAR without one; None for a thing's."""
    before = window[max(0, start - _WORDS_BEFORE) : start]
    after = window[end : end + _WORDS_AFTER]
    near = window[max(0, start - _BEFORE) : end + _AFTER]
    if rule.not_after is not None and rule.not_after.search(before):
        return None
    if rule.not_near is not None and rule.not_near.search(near):
        return None
    word = _last(rule.words, before)
    if rule.may_be_thing and (AMOUNTS.match(after) or _is_things(before, word)):
        return None
    if word is not None:
        return len(before) - word.end()
    word = rule.words.search(after) if rule.words is not None else None
    return _FAR if word is None else _WORDS_BEFORE + word.start()


def _is_things(before: str, word: re.Match[str] | None) -> bool:
    """Return whether a thing is named nearer than the type: "order number", "NPWP, invoice"."""
    thing = _last(THINGS, before[-_THING_BEFORE:])
    if thing is None or word is None:
        return thing is not None
    cut = max(0, len(before) - _THING_BEFORE)
    is_inside = word.start() <= thing.start() + cut and thing.end() + cut <= word.end()
    return thing.end() + cut >= word.end() and not is_inside


def _last(pattern: re.Pattern[str] | None, text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text) if pattern is not None else ():
        last = match
    return last
