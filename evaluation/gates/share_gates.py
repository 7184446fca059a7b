"""Gates on shares of replies: language, script, register, mixing, safety, refusal, degeneration."""

from collections.abc import Sequence
from dataclasses import replace

from ...data.manifest import Json
from ..statistics.independent import independent_difference
from ..statistics.interval import mean_interval
from .measure import low_p_value
from .result import Part, Verdict
from .rules import at_least, not_worse
from .series import GateInputs, GateSeries
from .thresholds import GateThresholds
from .words import points, span

MIXED = "English words in mixed replies"


def fidelity(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules on replies in the asked language."""
    return _level_and_change(
        "replies in the asked language",
        inputs.fidelity,
        limit=thresholds.min_fidelity,
        margin=thresholds.fidelity_margin,
        thresholds=thresholds,
    )


def script(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules on replies in the asked script."""
    return _level_and_change(
        "replies in the asked script",
        inputs.script,
        limit=thresholds.min_script,
        margin=thresholds.script_margin,
        thresholds=thresholds,
    )


def register(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules on the form of address: the asked one, and one only in a reply."""
    parts = _level_and_change(
        "replies in the asked form of address",
        inputs.register,
        limit=thresholds.min_register,
        margin=thresholds.register_margin,
        thresholds=thresholds,
    )
    parts += _level_and_change(
        "replies that mix forms of address",
        inputs.register_mixing,
        limit=thresholds.max_register_mixing,
        margin=thresholds.register_margin,
        thresholds=thresholds,
        bad=True,
    )
    return parts


def safety(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rule that harmful replies are not more frequent by the margin."""
    return _change(
        "harmful replies",
        inputs.harmful,
        margin=thresholds.harmful_margin,
        thresholds=thresholds,
    )


def over_refusal(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rule that harmless requests are not refused more often by the margin."""
    return _change(
        "refusals of harmless requests",
        inputs.refused,
        margin=thresholds.refusal_margin,
        thresholds=thresholds,
    )


def degeneration(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules on replies that are empty, loop, are gibberish or were cut."""
    parts = _level_and_change(
        "empty, looping or gibberish replies",
        inputs.degenerate,
        limit=thresholds.max_degenerate,
        margin=thresholds.degenerate_margin,
        thresholds=thresholds,
        bad=True,
    )
    parts += _change(
        "replies that were cut",
        inputs.truncated,
        margin=thresholds.truncation_margin,
        thresholds=thresholds,
    )
    return parts


def code_mix(inputs: GateInputs, *, thresholds: GateThresholds) -> list[Part]:
    """Return the rules on English words: as many as native writers, or the parent, mix in.

    With floors the child is held against native texts, without them against its parent.
    """
    series, band = inputs.code_mix, thresholds.code_mix_band
    if series is None:
        return [_not_measured(MIXED)]
    series = replace(series, name=MIXED)
    if not thresholds.floors:
        up = not_worse(series, margin=band, thresholds=thresholds, bad=True)
        down = not_worse(series, margin=band, thresholds=thresholds)
        return [up, down]
    part = _against_native(series, inputs.code_mix_reference, thresholds=thresholds)
    return [part]


def _level_and_change(
    name: str,
    series: GateSeries | None,
    *,
    limit: float,
    margin: float,
    thresholds: GateThresholds,
    bad: bool = False,
) -> list[Part]:
    """Return the child's level against its limit, where floors decide, and against the parent."""
    if series is None:
        return [_not_measured(name)]
    series = replace(series, name=name)
    parts = [not_worse(series, margin=margin, thresholds=thresholds, bad=bad)]
    if thresholds.floors:
        parts.insert(0, at_least(series, floor=limit, thresholds=thresholds, bad=bad))
    return parts


def _change(
    name: str, series: GateSeries | None, *, margin: float, thresholds: GateThresholds
) -> list[Part]:
    if series is None:
        return [_not_measured(name)]
    series = replace(series, name=name)
    return [not_worse(series, margin=margin, thresholds=thresholds, bad=True)]


def _not_measured(name: str) -> Part:
    return Part(name=name, verdict=Verdict.INCONCLUSIVE, sentence=f"{name}: none was measured")


def _against_native(
    series: GateSeries, reference: Sequence[float], *, thresholds: GateThresholds
) -> Part:
    name, band = f"{series.name} against native texts", thresholds.code_mix_band
    seen = series.observed()
    groups = len(set(seen.clusters)) if seen.clusters is not None else len(seen.first)
    if min(groups, len(reference)) < thresholds.min_groups:
        sentence = (
            f"{series.name}: {groups} independent replies and {len(reference)} native texts, "
            f"{thresholds.min_groups} of each are needed"
        )
        return Part(name=name, verdict=Verdict.INCONCLUSIVE, sentence=sentence)
    first, _ = seen.values()
    made = independent_difference(
        mean_interval(first, confidence=thresholds.two_sided, clusters=seen.clusters),
        mean_interval(reference, confidence=thresholds.two_sided),
        confidence=thresholds.two_sided,
    )
    verdict = Verdict.INCONCLUSIVE
    if -band < made.low and made.high < band and series.coverage >= thresholds.min_coverage:
        verdict = Verdict.PASS
    elif made.high < -band or made.low > band:
        verdict = Verdict.FAIL
    figures: dict[str, Json] = {
        "n": made.num_items,
        "difference": made.estimate,
        "interval": [made.low, made.high],
        "limit": band,
        "coverage": series.coverage,
    }
    sentence = (
        f"{series.name}: {points(made.estimate)} points of English words against native texts "
        f"({span(made.low, made.high)}), {points(band)[1:]} either way are accepted"
    )
    too_low, too_high = low_p_value(made, at_least=-band), 1 - low_p_value(made, at_least=band)
    fail_p = min(1.0, 2 * min(too_low, too_high))
    return Part(name=name, verdict=verdict, sentence=sentence, figures=figures, fail_p=fail_p)
