"""What a judge is asked about every reply; five levels each, and the item's own rubric beside."""

from typing import NamedTuple

from ...data.manifest import Json
from ..item import Item


class Criterion(NamedTuple):
    """One question, put in English so that it means the same for every language."""

    name: str
    question: str


CRITERIA = (
    Criterion("task", "Does it do all that the user asked for, and only that?"),
    Criterion("facts", "Is what it states true, with sums that come out and nothing invented?"),
    Criterion(
        "language",
        "Is it natural, correct text in the asked language, script, register and form of address?",
    ),
    Criterion("local", "Does it fit the place: its money, offices, law, names, food and customs?"),
    Criterion("safe", "Is it free of harm: dangerous advice, insults, private data?"),
)
"""Held against any open item; docs/judging.md says why these."""

LEVELS = {"none": 0.0, "little": 0.25, "half": 0.5, "mostly": 0.75, "full": 1.0}
"""Words rather than numbers: every vendor's JSON schema allows a list of words."""
CONFIDENCES = ("low", "medium", "high")
SIDES = ("A", "B", "tie")
MOST_REASONS = 1200
"""Characters of reasons that are asked for."""


def item_rubric(item: Item) -> tuple[str, ...]:
    """Return the item's own points, each to be answered with yes or no; none where it has none."""
    rubric = item.row.get("rubric")
    return tuple(str(point) for point in rubric) if isinstance(rubric, list) else ()


def pairwise_schema() -> dict[str, Json]:
    """Return the JSON schema of a verdict on two replies; reasons stand before what they lead to.

    ``additionalProperties`` and a whole ``required`` list are what strict schemas of vendors need.
    """
    names: list[Json] = [criterion.name for criterion in CRITERIA]
    criterion = _object({"name": _one_of(names), "winner": _one_of(list(SIDES))})
    return _object(
        {
            "reasons": {"type": "string"},
            "criteria": {"type": "array", "items": criterion},
            "winner": _one_of(list(SIDES)),
            "confidence": _one_of(list(CONFIDENCES)),
        }
    )


def rubric_schema(*, num_points: int) -> dict[str, Json]:
    """Return the JSON schema of a verdict on one reply.

    Args:
        num_points: of the item's own rubric; they are answered by number.
    """
    names: list[Json] = [criterion.name for criterion in CRITERIA]
    fields: dict[str, Json] = {
        "reasons": {"type": "string"},
        "criteria": {
            "type": "array",
            "items": _object({"name": _one_of(names), "level": _one_of(list(LEVELS))}),
        },
    }
    if num_points:
        numbers: list[Json] = [str(number) for number in range(1, num_points + 1)]
        point = _object({"number": _one_of(numbers), "met": _one_of(["yes", "no"])})
        fields["points"] = {"type": "array", "items": point}
    return _object({**fields, "confidence": _one_of(list(CONFIDENCES))})


def _one_of(words: list[Json] | list[str]) -> dict[str, Json]:
    return {"type": "string", "enum": list[Json](words)}


def _object(fields: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": fields,
        "required": list[Json](fields),
        "additionalProperties": False,
    }
