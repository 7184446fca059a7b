"""One figure a language: native and translated benchmarks apart, and both together.

Each benchmark weighs the same; chance counts as 0 and nothing is floored. A pair of systems is
compared over the benchmarks that both have answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from ...data.manifest import Json
from ...data.suite import Origin
from ..settings import StatisticsConfig
from ..statistics.headline import headline_difference
from ..statistics.interval import Interval
from .describe import estimate_over
from .difference import (
    BETTER,
    NO_DIFFERENCE,
    ONE_ANSWER,
    TOO_FEW,
    WORSE,
    Difference,
    agreed_word,
)
from .task import Protocol


@dataclass(frozen=True, slots=True)
class Headline:
    """Child against one other system, over some benchmarks."""

    tasks: list[str]
    num_items: int
    child: float
    other: float
    difference: Interval
    word: str

    def to_json(self) -> dict[str, Json]:
        """Return the headline as it stands in ``results.json``."""
        return {
            "tasks": list[Json](self.tasks),
            "n": self.num_items,
            "child": self.child,
            "theirs": self.other,
            "difference": self.difference.estimate,
            "interval": [self.difference.low, self.difference.high],
            "word": self.word,
        }


def pair_headline(
    differences: Sequence[Difference], statistics: StatisticsConfig
) -> Headline | None:
    """Return the headline of one pair by one protocol and view; None where nothing is measured."""
    measured = [one for one in differences if one.made is not None and one.task.counts]
    if not measured:
        return None
    made = headline_difference(
        [one.made for one in measured if one.made is not None],
        chances=[one.task.chance for one in measured],
        confidence=statistics.confidence,
    )
    return Headline(
        tasks=[one.task.part for one in measured],
        num_items=made.num_items,
        child=_over_chance(measured, "child"),
        other=_over_chance(measured, measured[0].other),
        difference=made,
        word=measured[0].word if len(measured) == 1 else _word(made),
    )


def agreed_headline(
    differences: Sequence[Difference], statistics: StatisticsConfig
) -> Headline | None:
    """Return the headline over all items of one pair, with the word that all views allow."""
    views = [
        pair_headline([one for one in differences if one.view == view], statistics)
        for view in dict.fromkeys(one.view for one in differences)
    ]
    made = next(iter(views), None)
    if made is None:
        return None
    return replace(made, word=agreed_word([one.word if one else TOO_FEW for one in views]))


def headlines(differences: Sequence[Difference], statistics: StatisticsConfig) -> dict[str, Json]:
    """Return the headlines by protocol, origin (native, translated, all) and pair."""
    found: dict[str, Json] = {}
    for protocol in Protocol:
        by_origin = {
            str(origin or "all"): pairs
            for origin in (*Origin, None)
            if (pairs := _pairs(differences, protocol, origin, statistics))
        }
        if by_origin:
            found[str(protocol)] = dict[str, Json](by_origin)
    return found


def _pairs(
    differences: Sequence[Difference],
    protocol: Protocol,
    origin: Origin | None,
    statistics: StatisticsConfig,
) -> dict[str, Json]:
    chosen: dict[str, list[Difference]] = {}
    for one in differences:
        task = one.task
        if task.protocol is protocol and origin in (None, task.origin) and one.other != ONE_ANSWER:
            chosen.setdefault(one.other, []).append(one)
    made = {other: agreed_headline(several, statistics) for other, several in chosen.items()}
    return {f"child-{other}": one.to_json() for other, one in made.items() if one is not None}


def _word(made: Interval) -> str:
    if made.low > 0:
        return BETTER
    return WORSE if made.high < 0 else NO_DIFFERENCE


def _over_chance(differences: Sequence[Difference], system: str) -> float:
    """Return the mean over tasks of (value - chance) / (1 - chance) on the paired items."""
    scores: list[float] = []
    for one in differences:
        value = estimate_over(one.task, one.task.columns[system], one.places)
        scores.append((value - one.task.chance) / (1 - one.task.chance))
    return fmean(scores)
