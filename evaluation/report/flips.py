"""The items that changed: what the child lost and won against its parent, with every reply."""

from collections.abc import Sequence
from typing import NamedTuple

from ..comparison.language import CheckedReply
from ..comparison.results import RegionResults
from ..comparison.task import Protocol, Task

MOST_FLIPS = 50
"""Of one list, where few benchmarks are shown; with many, less than half of it."""
_MANY_TASKS = 6


class Flip(NamedTuple):
    """One item on which parent and child differ, with everybody's reply."""

    text: str
    gold: str
    replies: dict[str, str]


class FlipList(NamedTuple):
    """The flips of one benchmark in one direction; ``total`` may be more than the rows."""

    title: str
    language: str
    total: int
    rows: list[Flip]


def flip_lists(regions: Sequence[RegionResults]) -> list[FlipList]:
    """Return for each region and benchmark the losses, then the gains, the largest first."""
    tasks = [(region, task) for region in regions for task in _written(region)]
    most = MOST_FLIPS if len(tasks) <= _MANY_TASKS else MOST_FLIPS // 2 - 5
    found: list[FlipList] = []
    for region in regions:
        name = str(region.figures["name"])
        for task in _written(region):
            found += _flips_of(task, f"{name}, {task.suite.name}", most=most)
        found += _objections(region, name, most=most)
    return found


def _written(region: RegionResults) -> list[Task]:
    return [task for task in region.tasks if task.protocol is Protocol.generate and task.is_scored]


def _flips_of(task: Task, title: str, *, most: int) -> list[FlipList]:
    child, parent = task.columns["child"].values, task.columns["parent"].values
    changes = {
        place: mine - theirs
        for place, (mine, theirs) in enumerate(zip(child, parent, strict=True))
        if mine is not None and theirs is not None and mine != theirs
    }
    order = sorted(changes, key=lambda place: -abs(changes[place]))
    lost = [place for place in order if changes[place] < 0]
    won = [place for place in order if changes[place] > 0]
    names = (
        ("parent right, child wrong", "child right, parent wrong")
        if task.has_choices
        else ("child lower than parent", "child higher than parent")
    )
    return [
        FlipList(
            f"{title}: {name}",
            task.language,
            len(places),
            [_flip(task, place) for place in places[:most]],
        )
        for name, places in zip(names, (lost, won), strict=True)
    ]


def _flip(task: Task, place: int) -> Flip:
    item = task.items[place]
    replies = {
        system: column.replies[place][0].reply if column.replies[place] else "(no reply)"
        for system, column in task.columns.items()
    }
    return Flip(item.messages[-1]["content"], " / ".join(item.gold), replies)


def _objections(region: RegionResults, name: str, *, most: int) -> list[FlipList]:
    """Return the child's replies that are not in the asked language or script, of all suites."""
    found = [row for row in region.checked if _is_elsewhere(row)]
    if not found:
        return []
    rows = [
        Flip(row.item.messages[-1]["content"], _wanted(row), {"child": row.replies["child"]})
        for row in found[:most]
    ]
    title = f"{name}: replies of the child in another language or script"
    return [FlipList(title, region.code, len(found), rows)]


def _is_elsewhere(row: CheckedReply) -> bool:
    checks = row.checks.get("child")
    return checks is not None and False in (checks.is_faithful, checks.is_in_script)


def _wanted(row: CheckedReply) -> str:
    return f"({row.suite}: {row.item.expect.language}, {row.item.expect.script})"
