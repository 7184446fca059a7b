"""Open tasks with what fit judges say of each reply, and those tasks use by use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..judge.used import JudgedValues, judged_values
from .column import Column
from .task import Task

_BY_USE = "use"
"""Category of a suite whose items say each for itself what they are used for."""


def with_judged_values(task: Task, places: Mapping[str, Path]) -> Task:
    """Return the task with the values of ``lokal judge mode=rubric``, or as it is without any.

    Args:
        task: that no rule scores.
        places: by system the file of its replies, without its ending.
    """
    run = next(iter(places.values())).parents[2]
    found = judged_values(run, task.suite.name, task.language)
    if found is None:
        return task
    folders = {name: path.parent.name for name, path in places.items()}
    columns = {
        name: _judged(column, task, folders[name], found) for name, column in task.columns.items()
    }
    return replace(
        task,
        metric="judged",
        columns=columns,
        judged=found.words,
        is_trusted=found.is_calibrated,
    )


def _judged(column: Column, task: Task, system: str, found: JudgedValues) -> Column:
    values = [found.values.get((system, item.id)) for item in task.items]
    return replace(column, values=values, unread=frozenset())


def by_use(tasks: Sequence[Task]) -> list[Task]:
    """Return each judged task once for every use of its items; the others as they are.

    A row of uses names the judge, so its values count there even where they decide no gate.
    """
    return [one for task in tasks for one in (_split(task) if task.judged else [task])]


def _split(task: Task) -> list[Task]:
    trusted = replace(task, is_trusted=True)
    if task.suite.category != _BY_USE:
        return [trusted]
    uses = dict.fromkeys(item.category for item in task.items)
    return [_of_use(trusted, use) for use in uses]


def _of_use(task: Task, use: str) -> Task:
    places = [place for place, item in enumerate(task.items) if item.category == use]
    columns = {
        name: replace(
            column,
            values=[column.values[place] for place in places],
            answers=[column.answers[place] for place in places],
            replies=[column.replies[place] for place in places],
        )
        for name, column in task.columns.items()
    }
    items = [task.items[place] for place in places]
    return replace(task, suite=replace(task.suite, use=use), items=items, columns=columns)
