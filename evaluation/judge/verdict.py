"""Reads a judge's answer: one whole JSON object with exactly the asked keys, or no verdict at all.

Nothing is searched for inside the answer. A verdict that a reply brought along can at most be
quoted in the reasons, where it is a string and is not read.
"""

import json
import re
from typing import NamedTuple

from ...data.manifest import Json
from .criteria import CONFIDENCES, CRITERIA, LEVELS, SIDES

_WRAPPED = re.compile(r"```(?:json)?\n(.*)\n```", re.DOTALL)
"""Models without a schema put their object into one block of code; it has to be all there is."""


class Unreadable(ValueError):
    """The answer is no verdict."""


class PairVerdict(NamedTuple):
    """Which of two replies a judge prefers, by place."""

    winner: str
    """``A``, ``B`` or ``tie``."""
    criteria: dict[str, str]
    """Winner by criterion."""
    confidence: str
    reasons: str


class RubricVerdict(NamedTuple):
    """How good one reply is."""

    criteria: dict[str, float]
    """Level by criterion, 0 to 1."""
    points: list[bool]
    """Of the item's own rubric, in its order; empty where it has none."""
    confidence: str
    reasons: str

    @property
    def value(self) -> float:
        """Return 0 to 1: the mean criterion, and the share of the item's points for half of it."""
        general = sum(self.criteria.values()) / len(self.criteria)
        return general if not self.points else (general + sum(self.points) / len(self.points)) / 2


def read_pairwise(text: str) -> PairVerdict:
    """Return the verdict on two replies.

    Raises:
        Unreadable: the answer is anything but the asked object.
    """
    found = _object(text, {"reasons", "criteria", "winner", "confidence"})
    return PairVerdict(
        winner=_word(found["winner"], SIDES),
        criteria=_criteria(found["criteria"], "winner", SIDES),
        confidence=_word(found["confidence"], CONFIDENCES),
        reasons=_text(found["reasons"]),
    )


def read_rubric(text: str, *, num_points: int) -> RubricVerdict:
    """Return the verdict on one reply.

    Args:
        num_points: of the item's own rubric; each has to be answered once.

    Raises:
        Unreadable: the answer is anything but the asked object.
    """
    keys = {"reasons", "criteria", "confidence"} | ({"points"} if num_points else set())
    found = _object(text, keys)
    levels = _criteria(found["criteria"], "level", tuple(LEVELS))
    return RubricVerdict(
        criteria={name: LEVELS[level] for name, level in levels.items()},
        points=_points(found["points"], num_points) if num_points else [],
        confidence=_word(found["confidence"], CONFIDENCES),
        reasons=_text(found["reasons"]),
    )


def _object(text: str, keys: set[str]) -> dict[str, Json]:
    text = text.strip()
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1]
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON object: {error}") from error
    if not isinstance(found, dict) or set(found) != keys:
        raise Unreadable(f"its keys are not {', '.join(sorted(keys))}")
    return found


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Refuse a key that stands there twice: which of the two was meant is a guess."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise Unreadable("a key stands there twice")
    return dict(pairs)


def _criteria(value: Json, key: str, words: tuple[str, ...]) -> dict[str, str]:
    rows = _rows(value, {"name", key})
    found = {str(row["name"]): _word(row[key], words) for row in rows}
    if len(found) != len(rows) or set(found) != {criterion.name for criterion in CRITERIA}:
        raise Unreadable("criteria has not each criterion once")
    return {criterion.name: found[criterion.name] for criterion in CRITERIA}


def _points(value: Json, num_points: int) -> list[bool]:
    rows = _rows(value, {"number", "met"})
    if sorted(str(row["number"]) for row in rows) != sorted(map(str, range(1, num_points + 1))):
        raise Unreadable(f"points has not each of the {num_points} points once")
    met = {str(row["number"]): _word(row["met"], ("yes", "no")) == "yes" for row in rows}
    return [met[str(number)] for number in range(1, num_points + 1)]


def _rows(value: Json, keys: set[str]) -> list[dict[str, Json]]:
    if not isinstance(value, list):
        raise Unreadable("a list is missing")
    found: list[dict[str, Json]] = []
    for row in value:
        if not isinstance(row, dict) or set(row) != keys:
            raise Unreadable(f"a row has not the keys {', '.join(sorted(keys))}")
        found.append(row)
    return found


def _word(value: Json, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Unreadable(f"{value!r} is none of {', '.join(words)}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Unreadable("reasons is no text")
    return value
