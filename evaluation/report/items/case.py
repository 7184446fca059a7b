"""One item with every system's reply to it: what a reviewer looks at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...checks.check import Checks
from ...comparison.language import READINGS, CheckedReply
from ...comparison.results import RegionResults
from ...comparison.task import Protocol, Task
from ...item import Item
from ...reply import Reply

_GOOD = frozenset({"language", "script", "register"})
"""Readings that are as they should be where they are true; the others are faults."""
_FAULTS = {"language": "other language", "script": "other script", "register": "other register"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One system's reply."""

    text: str
    state: str
    value: float | None
    """What it is worth, from 0 to 1; None where nothing is right or wrong."""
    answer: str | None
    """What was read from it."""
    marks: tuple[str, ...]
    """What the language checks object to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item of one benchmark in one region."""

    name: str
    """Of its place on a page: letters, digits and dashes, unique in the report."""
    region: str
    suite: str
    item: Item
    source: str
    """Where the item comes from, with its licence."""
    said: dict[str, Said]
    """By system: ``child``, ``parent``, then the baselines."""

    @property
    def prompt(self) -> str:
        """Return the last turn of the prompt, which is the question."""
        return self.item.messages[-1]["content"]

    @property
    def wanted(self) -> str:
        """Return the right answer or the references."""
        return " / ".join(self.item.gold)

    def change(self, other: str) -> float | None:
        """Return by how much the child's value is above another system's; None where unknown."""
        child, theirs = self.said.get("child"), self.said.get(other)
        if child is None or theirs is None or child.value is None or theirs.value is None:
            return None
        return child.value - theirs.value


def cases_of(regions: Sequence[RegionResults]) -> list[Case]:
    """Return all written items of all regions: by region, benchmark and place in its file."""
    return [
        case
        for region in regions
        for case in cases_of_tasks(region.code, region.tasks, checked=region.checked)
    ]


def cases_of_tasks(
    region: str, tasks: Sequence[Task], *, checked: Sequence[CheckedReply]
) -> Iterator[Case]:
    """Yield the written items of a region's tasks, with what the checks found."""
    rows: dict[tuple[str, str], CheckedReply] = {}
    for row in checked:  # of several samples the first
        rows.setdefault((row.suite, row.item.id), row)
    for task in tasks:
        if task.protocol is Protocol.generate and task.is_main:
            for place in range(len(task.items)):
                yield _case(region, task, place, rows)


def _case(
    region: str, task: Task, place: int, checked: Mapping[tuple[str, str], CheckedReply]
) -> Case:
    item, suite = task.items[place], task.suite
    row = checked.get((suite.name, item.id))
    order = sorted(
        task.columns,
        key=lambda name: ("child", "parent").index(name) if name in ("child", "parent") else 2,
    )
    said = {
        name: _said(
            column.replies[place][0],
            value=column.values[place],
            answer=column.answers[place],
            checks=row.checks.get(name) if row else None,
        )
        for name in order
        if (column := task.columns[name]).replies[place]
    }
    return Case(
        name=f"{region}-{_plain(suite.name)}-{place + 1}",
        region=region,
        suite=suite.name,
        item=item,
        source=f"{suite.licence}, {suite.source}",
        said=said,
    )


def _said(reply: Reply, *, value: float | None, answer: str | None, checks: Checks | None) -> Said:
    return Said(
        text=reply.reply,
        state=str(reply.state),
        value=value,
        answer=answer,
        marks=() if checks is None else marks_of(checks),
    )


def marks_of(checks: Checks) -> tuple[str, ...]:
    """Return what is wrong with a reply's language, in the words of the report's table."""
    read = {name: reading(checks) for name, reading in READINGS.items()}
    return tuple(
        _FAULTS.get(name, name)
        for name, value in read.items()
        if value is not None and value != (name in _GOOD)
    )


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name)
