"""All systems of a region beside each other: a score each, every pair, and Bradley-Terry strengths.

A score is the mean over benchmarks of (value - chance) / (1 - chance), over those that all systems
have answered. A strength is the chance to be above the parent on one item, from all pairs of
systems on the items that both have answered (statistics/strengths.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from ...data.manifest import Json
from ..settings import StatisticsConfig
from ..statistics.headline import headline_difference
from ..statistics.interval import Interval
from ..statistics.strengths import Game, fit_strengths
from .describe import measure
from .difference import compare
from .headline import pair_headline
from .task import Protocol, Task

_SECOND = "second"
_RESAMPLES = 200
"""Of whole prompts, for the strengths; each is a fit of its own."""


def leaderboard(tasks: Sequence[Task], statistics: StatisticsConfig) -> dict[str, Json]:
    """Return scores, pairs and strengths of a region's written benchmarks; nothing without any."""
    counted = [task for task in tasks if task.protocol is Protocol.generate and task.counts]
    named = dict.fromkeys(name for task in counted for name in task.columns)
    systems = sorted(named, key=lambda name: name != "child")
    if len(systems) < 2:
        return {}
    quick = replace(statistics, resamples=1)  # the bootstrap is a second opinion, not shown here
    common = [task for task in counted if set(task.columns) == set(systems)]
    return {
        "common": [task.part for task in common],
        "systems": {
            name: {
                "benchmarks": sum(name in task.columns for task in counted),
                "score": _score(common, name, quick),
            }
            for name in systems
        },
        "pairs": _pairs(counted, systems, quick),
        "strengths": _strengths(counted, systems, statistics),
    }


def _score(tasks: Sequence[Task], system: str, statistics: StatisticsConfig) -> Json:
    found: list[tuple[Task, Interval]] = []
    for task in tasks:
        column = task.columns[system]
        made = measure(task, column, _replied(column.values), statistics)
        if made is None:
            return None
        found.append((task, made))
    if not found:
        return None
    chances = [task.chance for task, _ in found]
    made = headline_difference(
        [interval for _, interval in found], chances=chances, confidence=statistics.confidence
    )
    guessed = sum(chance / (1 - chance) for chance in chances) / len(chances)
    return {
        "value": made.estimate - guessed,
        "interval": [made.low - guessed, made.high - guessed],
    }


def _replied(values: Sequence[float | None]) -> list[int]:
    return [place for place, value in enumerate(values) if value is not None]


def _pairs(
    tasks: Sequence[Task], systems: Sequence[str], statistics: StatisticsConfig
) -> dict[str, Json]:
    """Return by system and other the difference over the benchmarks that both have answered."""
    found: dict[str, Json] = {}
    for first, second in combinations(systems, 2):
        shared = [task for task in tasks if {first, second} <= set(task.columns)]
        differences = [
            compare(_as_pair(task, first, second), _SECOND, statistics) for task in shared
        ]
        made = pair_headline(differences, statistics)
        if made is not None:
            figures = made.difference
            found[f"{first} {second}"] = {
                "first": first,
                "second": second,
                "tasks": len(made.tasks),
                "difference": figures.estimate,
                "interval": [figures.low, figures.high],
            }
    return found


def _as_pair(task: Task, first: str, second: str) -> Task:
    """Return the task with two systems alone, the first in the child's place."""
    columns = {"child": task.columns[first], _SECOND: task.columns[second]}
    return replace(task, columns=columns)


def _strengths(tasks: Sequence[Task], systems: Sequence[str], statistics: StatisticsConfig) -> Json:
    games = list(_games(tasks))
    ordered = sorted(systems, key=lambda name: name != "parent")
    try:
        made = fit_strengths(
            games,
            ordered,
            confidence=statistics.confidence,
            resamples=_RESAMPLES,
            seed=statistics.seed,
        )
    except ValueError:  # a system without a game, or a single prompt: nothing can be told
        return None
    return {
        "games": made.num_games,
        "prompts": made.num_prompts,
        "tie_rate": made.tie_rate,
        "systems": {
            name: {"value": rate.estimate, "interval": [rate.low, rate.high]}
            for name, rate in made.win_rates.items()
        },
    }


def _games(tasks: Sequence[Task]) -> Iterator[Game]:
    for task in tasks:
        for first, second in combinations(task.columns, 2):
            ours, theirs = task.columns[first].values, task.columns[second].values
            for item, mine, other in zip(task.items, ours, theirs, strict=True):
                if mine is not None and other is not None:
                    score = 0.5 if mine == other else float(mine > other)
                    yield Game(first, second, score, (task.part, item.cluster))
