"""Target quality and forgetting: means over tasks, with one sentence for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ...data.manifest import Json
from ..statistics.headline import headline_difference
from ..statistics.interval import Interval
from .measure import Measured, low_p_value, measure_difference
from .result import Part, Verdict
from .rules import agreed, decide_not_worse, doubts_of, judge
from .series import GateSeries
from .thresholds import Aim, GateThresholds
from .words import points, span


def target_quality(tasks: Sequence[GateSeries], *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules that the headline is up (or not down) and that no single task is lost."""
    vetoes = [_task_kept(task, thresholds=thresholds) for task in tasks]
    measured = [
        task for task, veto in zip(tasks, vetoes, strict=True) if veto.figures
    ]  # the others have too few items, which their own parts say
    if not measured:
        return vetoes
    if thresholds.target_quality == Aim.better:
        head = _headline_better(measured, thresholds=thresholds)
    else:
        head = _mean_not_worse(
            Mean("headline", measured, [task.chance for task in measured]),
            margin=thresholds.quality_margin,
            thresholds=thresholds,
        )
    return [head, *vetoes]


def forgetting(
    retention: Mapping[str, Sequence[GateSeries]], *, thresholds: GateThresholds
) -> list[Part]:
    """Return one rule a language: its mean accuracy is not lower by the margin."""
    parts: list[Part] = []
    for language, tasks in retention.items():
        kept = [_task_kept(task, thresholds=thresholds) for task in tasks]
        few = [part for part in kept if not part.figures]
        if few:
            parts += few
        elif tasks:
            mean = Mean(language, tasks, [0.0] * len(tasks))
            margin = thresholds.forgetting_margin
            parts.append(_mean_not_worse(mean, margin=margin, thresholds=thresholds))
    return parts


class Mean(NamedTuple):
    """Tasks whose differences are averaged, each weighing the same."""

    name: str
    tasks: Sequence[GateSeries]
    chances: Sequence[float]
    """What guessing scores on each; 0 leaves points of accuracy as they are."""


def _task_kept(task: GateSeries, *, thresholds: GateThresholds) -> Part:
    """Return a failure where the task is shown to lose more than ``task_loss``; else a pass."""
    limit = -thresholds.task_loss

    def measure(one: GateSeries) -> Measured:
        return measure_difference(
            one, at_least=limit, confidence=thresholds.two_sided, thresholds=thresholds
        )

    def decide(made: Interval) -> Verdict:
        return Verdict.FAIL if made.high < limit else Verdict.PASS

    verdict, measured, figures, doubts = judge(task, measure, decide, thresholds=thresholds)
    if measured is None:
        return Part(name=task.name, verdict=verdict, sentence=doubts)
    made = measured.interval
    is_lost = "is shown" if made.high < limit else "is not shown"
    sentence = (
        f"{task.name}: {points(made.estimate)} points against the parent "
        f"({span(made.low, made.high)}) over {made.num_items} items, "
        f"a loss of more than {points(-limit)[1:]} points {is_lost}{doubts}"
    )
    figures |= {"difference": made.estimate, "interval": [made.low, made.high], "limit": limit}
    return Part(
        name=task.name,
        verdict=verdict,
        sentence=sentence,
        figures=figures,
        fail_p=measured.low_p,
    )


def _headline_better(tasks: Sequence[GateSeries], *, thresholds: GateThresholds) -> Part:
    def decide(made: Interval) -> Verdict:
        if made.low > 0:
            return Verdict.PASS
        return Verdict.FAIL if made.high < 0 else Verdict.INCONCLUSIVE

    mean = Mean("headline", tasks, [task.chance for task in tasks])
    closing = {
        Verdict.PASS: "better",
        Verdict.FAIL: "worse",
        Verdict.INCONCLUSIVE: "no difference shown",
    }
    return _mean_part(
        mean, decide, closing, limit=0.0, confidence=thresholds.confidence, thresholds=thresholds
    )


def _mean_not_worse(mean: Mean, *, margin: float, thresholds: GateThresholds) -> Part:
    def decide(made: Interval) -> Verdict:
        return decide_not_worse(made, margin=margin)

    loss = f"a loss of {points(margin)[1:]} points"
    closing = {
        Verdict.PASS: f"{loss} is ruled out",
        Verdict.FAIL: f"it is worse, and {loss} is not ruled out",
        Verdict.INCONCLUSIVE: f"{loss} is neither ruled out nor shown",
    }
    return _mean_part(
        mean, decide, closing, limit=-margin, confidence=thresholds.two_sided, thresholds=thresholds
    )


def _mean_part(
    mean: Mean,
    decide: Callable[[Interval], Verdict],
    closing: Mapping[Verdict, str],
    *,
    limit: float,
    confidence: float,
    thresholds: GateThresholds,
) -> Part:
    made = _difference(mean, confidence=confidence, thresholds=thresholds)
    verdict = decide(made)
    lacking = [task for task in mean.tasks if task.coverage < thresholds.min_coverage]
    unread = [task for task in mean.tasks if task.unreadable > thresholds.max_unreadable]
    doubts = ""
    if lacking or unread:
        worst, best = (
            decide(_difference(mean, first=value, confidence=confidence, thresholds=thresholds))
            for value in (0.0, 1.0)
        )
        verdict = agreed(worst, best, lacks_replies=bool(lacking))
        marked = (lacking or unread)[0]
        doubts = f"{doubts_of(marked, thresholds=thresholds)} ({marked.name})"
    figures: dict[str, Json] = {
        "n": made.num_items,
        "groups": made.num_groups,
        "difference": made.estimate,
        "interval": [made.low, made.high],
        "limit": limit,
        "marked": bool(lacking or unread),
    }
    is_doubted = bool(doubts) and verdict == Verdict.INCONCLUSIVE
    ending = "not decided" if is_doubted else closing[verdict]
    sentence = (
        f"{mean.name}: {points(made.estimate)} points against the parent "
        f"({span(made.low, made.high)}) over {made.num_items} items of "
        f"{len(mean.tasks)} task{'' if len(mean.tasks) == 1 else 's'}: "
        f"{ending}{doubts}"
    )
    return Part(
        name=mean.name,
        verdict=verdict,
        sentence=sentence,
        figures=figures,
        fail_p=low_p_value(made, at_least=0.0),
    )


def _difference(
    mean: Mean, *, confidence: float, thresholds: GateThresholds, first: float | None = None
) -> Interval:
    """Return child - parent over the tasks; with ``first``, marked tasks are put at an extreme."""
    intervals: list[Interval] = []
    for task in mean.tasks:
        seen = task.observed()
        missing = task.coverage < thresholds.min_coverage
        unreadable = task.unreadable > thresholds.max_unreadable
        if first is not None and (missing or unreadable):
            seen = task.extreme(first=first, missing=missing, unreadable=unreadable)
        made = measure_difference(seen, at_least=0.0, confidence=confidence, thresholds=thresholds)
        intervals.append(made.interval)
    return headline_difference(intervals, chances=mean.chances, confidence=confidence)
