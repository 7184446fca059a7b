"""How many items changed: what the child lost and won against its parent, by benchmark."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from ..comparison.language import CheckedReply
from ..comparison.results import RegionResults
from ..comparison.task import Protocol, Task


class Changed(NamedTuple):
    """One row of the page; each count has a link into the list of all items."""

    title: str
    lost: int
    won: int
    lost_link: str
    won_link: str


class Objected(NamedTuple):
    """A region's replies of the child that are in another language or script."""

    title: str
    replies: int
    links: dict[str, str]
    """By mark."""


def changed_items(regions: Sequence[RegionResults]) -> list[Changed]:
    """Return for each region and benchmark how many items were lost and won."""
    return [
        _changed(region.code, str(region.figures["name"]), task)
        for region in regions
        for task in region.tasks
        if task.protocol is Protocol.generate and task.is_scored
    ]


def objected_replies(regions: Sequence[RegionResults]) -> list[Objected]:
    """Return the regions in which some reply of the child is in another language or script."""
    found: list[Objected] = []
    for region in regions:
        if num_replies := sum(_is_elsewhere(row) for row in region.checked):
            marks = ("other language", "other script")
            links = {mark: _link(region=region.code, change="", mark=mark) for mark in marks}
            found.append(Objected(str(region.figures["name"]), num_replies, links))
    return found


def _changed(code: str, name: str, task: Task) -> Changed:
    child, parent = task.columns["child"].values, task.columns["parent"].values
    changes = [
        mine - theirs
        for mine, theirs in zip(child, parent, strict=True)
        if mine is not None and theirs is not None
    ]
    suite = task.suite.name
    return Changed(
        f"{name}, {suite}",
        lost=sum(change < 0 for change in changes),
        won=sum(change > 0 for change in changes),
        lost_link=_link(region=code, suite=suite, change="lost"),
        won_link=_link(region=code, suite=suite, change="won"),
    )


def _link(**filters: str) -> str:
    """Return the address of the list with its filters set, as find.js reads them."""
    return f"find.html#{urlencode(filters)}"


def _is_elsewhere(row: CheckedReply) -> bool:
    checks = row.checks.get("child")
    return checks is not None and False in (checks.is_faithful, checks.is_in_script)
