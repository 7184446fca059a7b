"""Whether an answer runs in a loop: the same words, or the same line, again and again."""

import re
from collections import Counter

_LOOP_REPEATS = 4
_LOOP_WORDS = 12
"""A tail counts as a loop from so many words on: ``ha ha ha ha`` is laughter."""
_MAX_UNIT_WORDS = 60
_LINE_LETTERS = 12
_LINE_SHARE = 0.4
_NGRAM = 4
_NGRAM_WORDS = 40
_NGRAM_SHARE = 0.5
_LETTERS = re.compile(r"(\w{1,6}?)\1{15,}")


def is_repetitive(reply: str) -> bool:
    """Return whether a loop is found anywhere.

    Either the text holds a unit of 1 to 60 words that comes four times or more in a row and covers
    12 words, or one line makes up 40 % of all lines and comes four times, or half of the sequences
    of four words have come before, or a few letters are repeated sixteen times.
    """
    words = reply.casefold().split()
    return (
        _has_loop(words)
        or _has_same_line(reply)
        or _repeated_share(words) >= _NGRAM_SHARE
        or any(match.group(1).isalpha() for match in _LETTERS.finditer(reply))
    )


def _has_loop(words: list[str]) -> bool:
    for size in range(1, min(_MAX_UNIT_WORDS, len(words) // _LOOP_REPEATS) + 1):
        needed = max(size * (_LOOP_REPEATS - 1), _LOOP_WORDS - size)
        run = 0
        for here in range(size, len(words)):
            run = run + 1 if words[here] == words[here - size] else 0
            if run >= needed and any(map(str.isalpha, "".join(words[here - size + 1 : here + 1]))):
                return True
    return False


def _has_same_line(reply: str) -> bool:
    lines = [line.strip().casefold() for line in reply.splitlines() if line.strip()]
    counts = Counter(line for line in lines if sum(map(str.isalpha, line)) >= _LINE_LETTERS)
    most = max(counts.values(), default=0)
    return most >= _LOOP_REPEATS and most >= _LINE_SHARE * len(lines)


def _repeated_share(words: list[str]) -> float:
    """Return which part of the sequences of four words has come before; 0 for short texts."""
    if len(words) < _NGRAM_WORDS:
        return 0.0
    grams = [tuple(words[start : start + _NGRAM]) for start in range(len(words) - _NGRAM + 1)]
    return 1 - len(set(grams)) / len(grams)
