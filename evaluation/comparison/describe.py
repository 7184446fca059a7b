"""What one system scored on a task: a value with its interval, and what is not known of it."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from ...data.manifest import Json
from ..settings import StatisticsConfig
from ..statistics.corpus import corpus_interval
from ..statistics.interval import Interval, mean_interval, share_interval
from .column import Column
from .task import Task, clusters_of

_MOST_ANSWERS = 12


def describe_column(task: Task, column: Column, statistics: StatisticsConfig) -> dict[str, Json]:
    """Return a system's figures on a task.

    ``n`` items, ``value`` and ``interval`` over those with a reply (a reply without a readable
    answer is worth nothing), ``coverage`` the share of them, ``unread`` the share of replies
    without an answer, ``bounds`` the lowest and highest value if everything unknown were wrong, or
    right, ``marked`` where that matters, ``parsed_only`` the value over read answers.
    """
    places = [place for place, value in enumerate(column.values) if value is not None]
    read = [place for place in places if place not in column.unread]
    unread = len(column.unread) / len(places) if places else 0.0
    coverage = len(places) / len(task.items)
    figures: dict[str, Json] = {
        "n": len(task.items),
        **value_over(task, column, places, statistics),
        "coverage": coverage,
        "unread": unread,
        "bounds": _bounds(column),
        "marked": unread > statistics.max_unread or coverage < statistics.min_coverage,
    }
    if task.protocol == "generate":
        figures["parsed_only"] = {"n": len(read), **value_over(task, column, read, statistics)}
        figures["states"] = count([str(r.state) for given in column.replies for r in given])
        if len(places) < len(task.items):
            figures["missing"] = len(task.items) - len(places)
    if task.has_choices:
        named = count([answer for answer in column.answers if answer is not None])
        figures["answers"] = dict(list(named.items())[:_MOST_ANSWERS])
    return figures


def value_over(
    task: Task, column: Column, places: Sequence[int], statistics: StatisticsConfig
) -> dict[str, Json]:
    """Return value and interval over some items; both null where nothing is known."""
    made = measure(task, column, places, statistics)
    if made is None:
        return {"value": None, "interval": None}
    return {"value": made.estimate, "interval": [made.low, made.high]}


def measure(
    task: Task, column: Column, places: Sequence[int], statistics: StatisticsConfig
) -> Interval | None:
    """Return the value over some items with a reply; None with fewer than two independent ones."""
    clusters = clusters_of(task, places)
    if num_groups(clusters, len(places)) < 2:
        return None
    confidence = statistics.confidence
    if task.corpus is not None and column.statistics_NS is not None:
        return corpus_interval(
            column.statistics_NS[list(places)],
            score=task.corpus.score,
            confidence=confidence,
            resamples=statistics.corpus_resamples,
            seed=statistics.seed,
            clusters=clusters,
        )
    values = observed(column, places)
    if is_share(values):
        return share_interval(values, confidence=confidence, clusters=clusters)
    return mean_interval(values, confidence=confidence, clusters=clusters)


def estimate_over(task: Task, column: Column, places: Sequence[int]) -> float:
    """Return the value over some items with a reply, without an interval."""
    if task.corpus is not None and column.statistics_NS is not None:
        return task.corpus.score(column.statistics_NS[list(places)].sum(axis=0).tolist())
    return fmean(observed(column, places))


def num_groups(clusters: Sequence[str] | None, num_items: int) -> int:
    """Return how many independent items there are."""
    return num_items if clusters is None else len(set(clusters))


def observed(column: Column, places: Sequence[int]) -> list[float]:
    """Return the values of items that have one."""
    found = [column.values[place] for place in places]
    return [value for value in found if value is not None]


def is_share(values: Sequence[float]) -> bool:
    """Return whether every value is 0 or 1."""
    return all(value in (0, 1) for value in values)


def count(names: Sequence[str]) -> dict[str, Json]:
    """Return how often each name stands there, the commonest first, ties by name."""
    found = Counter(names)
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name], name))}


def _bounds(column: Column) -> Json:
    """Return the lowest and highest mean that unknown answers allow; null where all are known."""
    unknown = {place for place, value in enumerate(column.values) if value is None} | column.unread
    if not unknown:
        return None
    values = [
        [extreme if place in unknown else value for place, value in enumerate(column.values)]
        for extreme in (0.0, 1.0)
    ]
    return [fmean(value for value in one if value is not None) for one in values]
