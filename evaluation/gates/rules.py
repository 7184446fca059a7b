"""The rules that gates are made of, each on one series; more is better in all of them.

A rule passes where the lower bound shows that it holds, and fails where the upper bound shows that
it does not: for "not worse" where a loss is shown and one beyond the margin cannot be ruled out.
Missing replies and unreadable answers are put at both extremes where there are too many of them.
"""

from collections.abc import Callable

from ...data.manifest import Json
from ..statistics.interval import Interval
from ..statistics.power import not_worse_items
from .measure import Measured, measure_difference, measure_level
from .result import Part, Verdict
from .series import GateSeries
from .thresholds import GateThresholds
from .words import percent, points, span

Measure = Callable[[GateSeries], Measured]
Decide = Callable[[Interval], Verdict]


def not_worse(
    series: GateSeries, *, margin: float, thresholds: GateThresholds, bad: bool = False
) -> Part:
    """Return whether the child is shown not to be worse than the parent by the margin.

    Args:
        series: child and parent.
        margin: accepted loss, a part of 1.
        thresholds: confidence, coverage and the like.
        bad: whether less is better; the figures keep their own direction.
    """

    def measure(one: GateSeries) -> Measured:
        return measure_difference(
            one, at_least=0.0, confidence=thresholds.two_sided, thresholds=thresholds
        )

    def decide(made: Interval) -> Verdict:
        return decide_not_worse(made, margin=margin)

    good = series.flipped() if bad else series
    verdict, measured, figures, doubts = judge(good, measure, decide, thresholds=thresholds)
    if measured is None:
        return Part(name=f"{series.name} against the parent", verdict=verdict, sentence=doubts)
    made = measured.interval
    ends = (-made.high, -made.low) if bad else (made.low, made.high)
    estimate = -made.estimate if bad else made.estimate
    limit = points(margin if bad else -margin)
    figures |= {
        "difference": estimate,
        "interval": [*ends],
        "limit": margin if bad else -margin,
    }
    closing = {
        Verdict.PASS: f"so a change to {limit} points is ruled out",
        Verdict.FAIL: f"so it is worse, and {limit} points are not ruled out",
        Verdict.INCONCLUSIVE: f"so {limit} points are neither ruled out nor shown"
        f"{_needs(made, margin=margin, thresholds=thresholds)}",
    }[verdict]
    sentence = (
        f"{series.name}: {points(estimate)} points against the parent ({span(*ends)}) over "
        f"{made.num_items} items, {closing}{doubts}"
    )
    return Part(
        name=f"{series.name} against the parent",
        verdict=verdict,
        sentence=sentence,
        figures=figures,
        fail_p=measured.low_p,
    )


def at_least(
    series: GateSeries, *, floor: float, thresholds: GateThresholds, bad: bool = False
) -> Part:
    """Return whether the child's share is shown to reach the floor; with bad, to stay below it."""
    wanted = 1 - floor if bad else floor

    def measure(one: GateSeries) -> Measured:
        return measure_level(one, at_least=wanted, confidence=thresholds.two_sided)

    def decide(made: Interval) -> Verdict:
        if made.low >= wanted:
            return Verdict.PASS
        return Verdict.FAIL if made.high < wanted else Verdict.INCONCLUSIVE

    good = series.flipped() if bad else series
    verdict, measured, figures, doubts = judge(good, measure, decide, thresholds=thresholds)
    if measured is None:
        return Part(name=f"{series.name} as such", verdict=verdict, sentence=doubts)
    made = measured.interval
    ends = (1 - made.high, 1 - made.low) if bad else (made.low, made.high)
    share = 1 - made.estimate if bad else made.estimate
    figures |= {"share": share, "interval": [*ends], "limit": floor}
    sentence = (
        f"{series.name}: {percent(share)} of {made.num_items} replies ({percent(ends[0])} to "
        f"{percent(ends[1])}), {'at most' if bad else 'at least'} {percent(floor)} is asked{doubts}"
    )
    return Part(
        name=f"{series.name} as such",
        verdict=verdict,
        sentence=sentence,
        figures=figures,
        fail_p=measured.low_p,
    )


def decide_not_worse(made: Interval, *, margin: float) -> Verdict:
    """Return pass where a loss of the margin is ruled out, fail where a loss is shown instead."""
    if made.low > -margin:
        return Verdict.PASS
    return Verdict.FAIL if made.high < 0 else Verdict.INCONCLUSIVE


def judge(
    series: GateSeries, measure: Measure, decide: Decide, *, thresholds: GateThresholds
) -> tuple[Verdict, Measured | None, dict[str, Json], str]:
    """Return the verdict, what was measured, its figures, and what speaks against trusting it.

    Without enough items nothing is measured, and the last is the whole sentence.
    """
    seen = series.observed()
    groups = len(set(seen.clusters)) if seen.clusters is not None else len(seen.first)
    if groups < thresholds.min_groups:
        sentence = f"{series.name}: {groups} independent items, {thresholds.min_groups} are needed"
        return Verdict.INCONCLUSIVE, None, {}, sentence
    measured = measure(seen)
    verdict = decide(measured.interval)
    lacks_replies = series.coverage < thresholds.min_coverage
    is_unreadable = series.unreadable > thresholds.max_unreadable
    figures: dict[str, Json] = {
        "n": measured.interval.num_items,
        "groups": measured.interval.num_groups,
        "coverage": series.coverage,
        "unreadable": series.unreadable,
        "marked": lacks_replies or is_unreadable,
    }
    if series.coverage < 1 or series.unreadable:
        worst, best = extremes(series, measure, missing=True, unreadable=True)
        figures["worst_case"] = [worst.interval.low, worst.interval.high]
        figures["best_case"] = [best.interval.low, best.interval.high]
    doubts = ""
    if lacks_replies or is_unreadable:
        worst, best = extremes(series, measure, missing=lacks_replies, unreadable=is_unreadable)
        verdict = agreed(decide(worst.interval), decide(best.interval), lacks_replies=lacks_replies)
        doubts = doubts_of(series, thresholds=thresholds)
    return verdict, measured, figures, doubts


def extremes(
    series: GateSeries, measure: Measure, *, missing: bool, unreadable: bool
) -> tuple[Measured, Measured]:
    """Return the worst and the best case of what is not known."""
    worst, best = (
        measure(series.extreme(first=value, missing=missing, unreadable=unreadable))
        for value in (0.0, 1.0)
    )
    return worst, best


def agreed(worst: Verdict, best: Verdict, *, lacks_replies: bool) -> Verdict:
    """Return the verdict of both extremes; too few replies never pass."""
    if worst != best or (lacks_replies and worst == Verdict.PASS):
        return Verdict.INCONCLUSIVE
    return worst


def doubts_of(series: GateSeries, *, thresholds: GateThresholds) -> str:
    """Return what is wrong with a marked series, as the end of a sentence."""
    found = ""
    if series.coverage < thresholds.min_coverage:
        found += f"; only {percent(series.coverage)} of the items have both replies"
    if series.unreadable > thresholds.max_unreadable:
        found += f"; {percent(series.unreadable)} of the answers cannot be read"
    return found


def _needs(made: Interval, *, margin: float, thresholds: GateThresholds) -> str:
    if made.standard_error == 0 or margin == 0:
        return ""
    needed = not_worse_items(
        made.standard_error * made.num_items**0.5,
        margin=margin,
        confidence=thresholds.confidence,
        power=thresholds.power,
    )
    return f" (about {needed} items would, if there is none)" if needed > made.num_items else ""
