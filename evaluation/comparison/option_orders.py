"""How far each system's answers hang on the order of the options, where it was asked in several."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from ...data.manifest import Json, read_manifest
from ...data.suite import Suite
from ..formats.format import load_format
from ..item import Item
from ..option_order import has_orders, in_order, ordered_name, original_options
from ..settings import StatisticsConfig
from ..statistics.interval import Interval
from ..statistics.order import order_sensitivity
from .column import Column, Score, read_generated, read_likelihoods
from .task import Protocol, Task


def describe_option_orders(
    tasks: Sequence[Task], folders: Mapping[str, Path], statistics: StatisticsConfig
) -> list[Json]:
    """Return one entry for each task of which some system was asked in two orders or more.

    Args:
        tasks: of one language.
        folders: of each system's replies.
        statistics: for the intervals.
    """
    found: list[Json] = []
    for task in tasks:
        if not has_orders(task.suite):
            continue
        systems: dict[str, Json] = {}
        for name, column in task.columns.items():
            given = [column, *_further(task, folders[name])]
            if len(given) > 1 and (figures := _figures(task, given, statistics)):
                systems[name] = figures
        if systems:
            found.append({"part": task.part, "protocol": str(task.protocol), "systems": systems})
    return found


def _further(task: Task, folder: Path) -> list[Column]:
    """Return the finished replies in further orders, up to the first that is not there."""
    manifest = read_manifest(folder)
    found: list[Column] = []
    for order in count(1):
        name = ordered_name(task.part, task.suite.name, order=order)
        if manifest is None or name not in manifest.parts:
            break
        found.append(_column(task, folder / name, _items(task.items, task.suite, order=order)))
    return found


def _items(items: Sequence[Item], suite: Suite, *, order: int) -> list[Item]:
    return [in_order(item, suite, order=order) for item in items]


def _column(task: Task, place: Path, items: Sequence[Item]) -> Column:
    """Return the replies with the option's place in the file as the answer."""
    if task.protocol is Protocol.generate:
        path = place.with_name(f"{place.name}.jsonl")
        column = read_generated(path, items, load_format(task.suite))
    else:
        path = place.with_name(f"{place.name}.loglikelihood.jsonl")
        column = read_likelihoods(path, items, Score.closed)
    return Column(
        values=column.values,
        answers=original_options(items, column.answers),
        replies=column.replies,
        unread=column.unread,
    )


def _figures(
    task: Task, columns: Sequence[Column], statistics: StatisticsConfig
) -> dict[str, Json] | None:
    """Return the figures over the items that have a reply in every order; None without any."""
    own = original_options(task.items, columns[0].answers)
    answers = [own, *(column.answers for column in columns[1:])]
    places = [
        place
        for place in range(len(task.items))
        if all(column.values[place] is not None for column in columns)
    ]
    clusters = [task.items[place].cluster for place in places]
    if len(set(clusters)) < 2:
        return None
    found = order_sensitivity(
        [[given[place] for given in answers] for place in places],
        [str(task.items[place].row["answer"]) for place in places],
        confidence=statistics.confidence,
        clusters=None if len(set(clusters)) == len(clusters) else clusters,
    )
    return {
        "orders": len(columns),
        "n": len(places),
        "changed": _interval(found.changed),
        "accuracy": _interval(found.accuracy),
        "right_in_every_order": _interval(found.right_in_every_order),
    }


def _interval(made: Interval) -> dict[str, Json]:
    return {"value": made.estimate, "interval": [made.low, made.high]}
