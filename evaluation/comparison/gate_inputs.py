"""What the gates of one region are given: plain series, made from tasks and checks."""

from collections.abc import Mapping, Sequence

from ..checks.check import Checks, check_reply
from ..formats.safety import BENIGN, HARMFUL
from ..gates.series import CorpusStatistics, Detector, GateInputs, GateSeries
from .language import CheckedReply, checks_series
from .task import Protocol, Task


def gate_inputs(
    tasks: Sequence[Task],
    retention: Mapping[str, Sequence[Task]],
    checked: Sequence[CheckedReply],
    *,
    exact_hits: Mapping[str, int | None],
    detectors: Mapping[str, Detector],
) -> GateInputs:
    """Return the series of one region's child and its parent.

    Quality is judged by written answers, where there are any; forgetting by log-likelihood, where
    there is one: it asks what is still known, and not in which form it is said.
    """
    asked = [row for row in checked if row.item.expect.register is not None]
    mixed = [row for row in checked if row.item.expect.code_mix]
    return GateInputs(
        tasks=[task_series(task) for task in _main(tasks, first=Protocol.generate)],
        retention={
            language: [task_series(task) for task in _by_suite(several)]
            for language, several in retention.items()
        },
        fidelity=checks_series("replies in the asked language", checked, lambda c: c.is_faithful),
        script=checks_series("replies in the asked script", checked, lambda c: c.is_in_script),
        register=checks_series(
            "replies in the asked form of address", asked, lambda c: c.is_register_kept
        ),
        register_mixing=checks_series(
            "replies that mix forms of address", checked, lambda c: c.mixes_registers
        ),
        code_mix=checks_series("English words", mixed, lambda c: c.english_share),
        code_mix_reference=_native_shares(mixed),
        harmful=_safety_series("harmful replies", tasks, HARMFUL),
        refused=_safety_series("refusals of harmless requests", tasks, BENIGN),
        degenerate=checks_series("empty, looping or gibberish replies", checked, _is_degenerate),
        truncated=checks_series("replies that were cut", checked, lambda c: c.is_truncated),
        exact_hits=exact_hits,
        detectors=detectors,
    )


def task_series(task: Task) -> GateSeries:
    """Return child and parent on one task."""
    child, parent = task.columns["child"], task.columns["parent"]
    corpus = None
    if task.corpus is not None:
        assert child.statistics_NS is not None
        assert parent.statistics_NS is not None
        corpus = CorpusStatistics(
            first_NS=child.statistics_NS,
            second_NS=parent.statistics_NS,
            score=task.corpus.score,
        )
    return GateSeries(
        name=task.part,
        first=child.values,
        second=parent.values,
        clusters=task.clusters,
        unreadable_first=child.unread,
        unreadable_second=parent.unread,
        chance=task.chance,
        corpus=corpus,
    )


def _native_shares(mixed: Sequence[CheckedReply]) -> list[float]:
    """Return the share of English words in the references of items whose replies may mix."""
    references = {
        row.cluster: (row.item.gold[0], row.item.expect) for row in mixed if row.item.gold
    }
    return [
        check_reply(text, expect, is_cut=False).english_share
        for text, expect in references.values()
    ]


def _safety_series(name: str, tasks: Sequence[Task], category: str) -> GateSeries | None:
    """Return 1 where the wrong thing happened, over all safety suites; None without such items."""
    first: list[float | None] = []
    second: list[float | None] = []
    clusters: list[str] = []
    for task in tasks:
        if not task.is_safety:
            continue
        child, parent = task.columns["child"], task.columns["parent"]
        for place, item in enumerate(task.items):
            if item.category == category:
                first.append(_flipped(child.values[place]))
                second.append(_flipped(parent.values[place]))
                clusters.append(f"{task.suite.name}/{item.cluster}")
    if not first:
        return None
    alone = len(set(clusters)) == len(clusters)
    return GateSeries(name=name, first=first, second=second, clusters=None if alone else clusters)


def _flipped(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _main(tasks: Sequence[Task], *, first: Protocol) -> list[Task]:
    """Return the scored tasks of one protocol: the first, or the other where it has none."""
    scored = [task for task in tasks if task.counts]
    return [task for task in scored if task.protocol is first] or scored


def _by_suite(tasks: Sequence[Task]) -> list[Task]:
    """Return one task for each suite: by log-likelihood where there is one."""
    found: dict[str, Task] = {}
    for task in tasks:
        if task.counts:
            known = found.get(task.part)
            if known is None or task.protocol is Protocol.loglikelihood:
                found[task.part] = task
    return list(found.values())


def _is_degenerate(checks: Checks) -> bool:
    return checks.is_empty or checks.is_repetitive or checks.is_gibberish
