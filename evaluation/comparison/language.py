"""The rules' findings on every written reply: language, script, register, loops, refusals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ...data.manifest import Json
from ..checks.check import Checks, check_reply
from ..gates.series import GateSeries
from ..item import Item
from ..reply import Reply, State
from ..settings import StatisticsConfig
from ..statistics.interval import share_interval
from .describe import num_groups
from .task import Protocol, Task

_SHORT_FORMATS = ("span", "short_answer")
"""Their replies are copied from a passage, or a name: they have no language of their own."""

Reading = Callable[[Checks], bool | None]

READINGS: dict[str, Reading] = {
    "language": lambda one: one.is_faithful,
    "script": lambda one: one.is_in_script,
    "register": lambda one: one.is_register_kept,
    "mixes registers": lambda one: one.mixes_registers,
    "Malay drift": lambda one: one.is_malay_drift,
    "loops": lambda one: one.is_repetitive,
    "gibberish": lambda one: one.is_gibberish,
    "empty": lambda one: one.is_empty,
    "cut": lambda one: one.is_truncated,
    "refused": lambda one: one.is_refusal,
}
"""What is counted, as it stands in the table; None where a reply is too short to tell."""


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """One reply of every system to one item; the item's further samples are rows of their own."""

    item: Item
    suite: str
    cluster: str
    checks: dict[str, Checks | None]
    """By system that was asked; None where it did not reply."""
    replies: dict[str, str]
    """By system that replied."""


def check_replies(tasks: Sequence[Task]) -> list[CheckedReply]:
    """Return the findings on all replies that are texts; labels and letters have no language."""
    return [
        row
        for task in tasks
        if task.protocol is Protocol.generate
        and not task.has_choices
        and task.suite.format not in _SHORT_FORMATS
        for row in _rows(task)
    ]


def _rows(task: Task) -> Iterator[CheckedReply]:
    for place, item in enumerate(task.items):
        given = {name: column.replies[place] for name, column in task.columns.items()}
        for sample in range(max(1, min(len(given["parent"]), len(given["child"])))):
            said = {name: several[sample] for name, several in given.items() if several[sample:]}
            yield CheckedReply(
                item,
                task.suite.name,
                f"{task.suite.name}/{item.cluster}",
                {name: _check(item, said[name]) if name in said else None for name in given},
                {name: reply.reply for name, reply in said.items()},
            )


def _check(item: Item, reply: Reply) -> Checks:
    return check_reply(reply.reply, item.expect, is_cut=reply.state is State.truncated)


def describe_checks(
    rows: Sequence[CheckedReply], statistics: StatisticsConfig
) -> dict[str, dict[str, Json]]:
    """Return by system how many replies were read, each rate with its interval, and means."""
    systems = dict.fromkeys(name for row in rows for name in row.checks)
    return {name: _describe(rows, name, statistics) for name in systems}


def _describe(
    rows: Sequence[CheckedReply], system: str, statistics: StatisticsConfig
) -> dict[str, Json]:
    found = [(row, checks) for row in rows if (checks := row.checks.get(system)) is not None]
    rates: dict[str, Json] = {}
    for name, read in READINGS.items():
        told = [(row.cluster, value) for row, one in found if (value := read(one)) is not None]
        rates[name] = _rate(told, statistics)
    return {
        "n": len(found),
        "rates": rates,
        "english_share": fmean(one.english_share for _, one in found) if found else None,
        "graphemes": median(one.num_graphemes for _, one in found) if found else None,
        "suites": list[Json](dict.fromkeys(row.suite for row, _ in found)),
    }


def _rate(told: Sequence[tuple[str, bool]], statistics: StatisticsConfig) -> Json:
    clusters = [cluster for cluster, _ in told]
    if num_groups(clusters, len(told)) < 2:
        return None
    alone = len(set(clusters)) == len(clusters)
    made = share_interval(
        [float(value) for _, value in told],
        confidence=statistics.confidence,
        clusters=None if alone else clusters,
    )
    return {"n": len(told), "share": made.estimate, "interval": [made.low, made.high]}


def checks_series(
    name: str,
    rows: Sequence[CheckedReply],
    value: Callable[[Checks], float | bool | None],
) -> GateSeries | None:
    """Return child and parent as a gate wants them; None where no item can be told.

    Items whose reply is too short to tell on either side are left out; a reply that was never
    given is missing.
    """
    first: list[float | None] = []
    second: list[float | None] = []
    clusters: list[str] = []
    for row in rows:
        sides = [row.checks["child"], row.checks["parent"]]
        values = [None if side is None else value(side) for side in sides]
        if any(side is not None and one is None for side, one in zip(sides, values, strict=True)):
            continue
        child, parent = (None if one is None else float(one) for one in values)
        first.append(child)
        second.append(parent)
        clusters.append(row.cluster)
    if not first:
        return None
    alone = len(set(clusters)) == len(clusters)
    return GateSeries(name=name, first=first, second=second, clusters=None if alone else clusters)
