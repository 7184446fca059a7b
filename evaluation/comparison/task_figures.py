"""One task as it stands in ``results.json``: systems, differences, categories, a fixed answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...data.manifest import Json
from ..settings import StatisticsConfig
from .column import Column
from .describe import count, describe_column, value_over
from .difference import ONE_ANSWER, Difference, agreed_word, compare
from .task import Protocol, Task


def compare_task(
    task: Task, statistics: StatisticsConfig, *, unasked: Mapping[str, Sequence[str]]
) -> list[Difference]:
    """Return the child against every other system, under every view of the items.

    Against the parent, which got the same prompt, a reply without an answer is just wrong: one
    view. Against others the items whose answers could be read make a second, and those whose label
    the other's prompt offered a third.
    """
    if not task.is_scored:
        return []
    found: list[Difference] = []
    for other in task.columns:
        if other == "child":
            continue
        found.append(compare(task, other, statistics))
        if other != "parent" and task.protocol is Protocol.generate:
            found += _further_views(task, other, statistics, unasked=unasked.get(other, ()))
    if task.has_choices:
        fixed = replace(task, columns={**task.columns, ONE_ANSWER: _one_answer(task)})
        found.append(compare(fixed, ONE_ANSWER, statistics))
    return found


def _further_views(
    task: Task, other: str, statistics: StatisticsConfig, *, unasked: Sequence[str]
) -> list[Difference]:
    unread = task.columns["child"].unread | task.columns[other].unread
    views = {}
    if unread:
        views["parsed_only"] = [place for place in range(len(task.items)) if place not in unread]
    if unasked and task.has_choices:
        views["asked_labels"] = [
            place for place, item in enumerate(task.items) if item.gold[0] not in unasked
        ]
    return [
        compare(task, other, statistics, view=view, places=places) for view, places in views.items()
    ]


def describe_task(
    task: Task, differences: Sequence[Difference], statistics: StatisticsConfig
) -> dict[str, Json]:
    """Return the task's figures; ``differences`` are those of this task, with their words."""
    pairs: dict[str, Json] = {}
    for other in dict.fromkeys(one.other for one in differences):
        views = {one.view: one for one in differences if one.other == other}
        pairs[f"child-{other}"] = {
            **{view: one.to_json() for view, one in views.items()},
            "word": agreed_word([one.word for one in views.values()]),
        }
    return {
        "part": task.part,
        "suite": task.suite.name,
        "language": task.language,
        "protocol": str(task.protocol),
        "metric": task.metric,
        "signature": task.corpus.signature if task.corpus else None,
        "is_main": task.is_main,
        "counts": task.counts,
        "judged": task.judged,
        "use": task.suite.use,
        "origin": str(task.origin) if task.origin else None,
        "licence": task.suite.licence,
        "source": task.suite.source,
        "n": len(task.items),
        "groups": len({item.cluster for item in task.items}),
        "chance": task.chance,
        "systems": {
            name: describe_column(task, column, statistics) for name, column in task.columns.items()
        },
        "differences": pairs,
        "categories": _categories(task, statistics),
        ONE_ANSWER: _describe_one_answer(task, statistics) if task.has_choices else None,
    }


def _one_answer(task: Task) -> Column:
    """Return a system that always gives the items' commonest answer.

    A child that does no better has not been shown to know the task, whatever its parent does.
    """
    answer = _commonest(task)
    return Column(
        values=[float(item.gold[0] == answer) for item in task.items],
        answers=[answer for _ in task.items],
        replies=[[] for _ in task.items],
        unread=frozenset(),
    )


def _describe_one_answer(task: Task, statistics: StatisticsConfig) -> dict[str, Json]:
    everything = range(len(task.items))
    return {
        "answer": _commonest(task),
        "n": len(task.items),
        **value_over(task, _one_answer(task), everything, statistics),
    }


def _commonest(task: Task) -> str:
    return next(iter(count([item.gold[0] for item in task.items])))


def _categories(task: Task, statistics: StatisticsConfig) -> dict[str, Json]:
    """Return n, value and interval of each category and system; nothing where there is only one."""
    names = sorted({item.category for item in task.items})
    if len(names) < 2 or not task.is_scored:
        return {}
    found: dict[str, Json] = {}
    for name in names:
        places = [place for place, item in enumerate(task.items) if item.category == name]
        systems: dict[str, Json] = {}
        for system, column in task.columns.items():
            replied = [place for place in places if column.values[place] is not None]
            systems[system] = value_over(task, column, replied, statistics)
        difference = compare(task, "parent", statistics, places=places)
        made = difference.made
        found[name or "none"] = {
            "n": len(places),
            "systems": systems,
            "child-parent": None
            if made is None
            else {"difference": made.estimate, "interval": [made.low, made.high]},
        }
    return found
