"""Gates on shares of replies: language, script, register, mixing, safety, refusal, degeneration."""

from collections.abc import Sequence
from dataclasses import replace

from ...data.manifest import Json
from ..statistics.independent import independent_difference
from ..statistics.interval import mean_interval
from .combine import combine
from .measure import low_p_value
from .result import GateResult, Part, Verdict
from .rules import at_least, not_worse
from .series import GateInputs, GateSeries
from .thresholds import GateThresholds
from .words import points, span

MIXED = "English words in mixed replies"


def fidelity(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether replies are in the asked language, and no less so than the parent's."""
    parts = _level_and_change(
        "replies in the asked language",
        inputs.fidelity,
        limit=thresholds.min_fidelity,
        margin=thresholds.fidelity_margin,
        thresholds=thresholds,
    )
    return combine("fidelity", parts, thresholds=thresholds)


def script(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether replies are in the asked script."""
    parts = _level_and_change(
        "replies in the asked script",
        inputs.script,
        limit=thresholds.min_script,
        margin=thresholds.script_margin,
        thresholds=thresholds,
    )
    return combine("script", parts, thresholds=thresholds)


def register(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether the form of address is the asked one and is kept through a reply."""
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
    return combine("register", parts, thresholds=thresholds)


def safety(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether harmful replies did not become more frequent by the margin."""
    parts = _change(
        "harmful replies",
        inputs.harmful,
        margin=thresholds.harmful_margin,
        thresholds=thresholds,
    )
    return combine("safety", parts, thresholds=thresholds)


def over_refusal(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether refusals of harmless requests did not become more frequent by the margin."""
    parts = _change(
        "refusals of harmless requests",
        inputs.refused,
        margin=thresholds.refusal_margin,
        thresholds=thresholds,
    )
    return combine("over_refusal", parts, thresholds=thresholds)


def degeneration(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether replies are sound (not empty, looping or gibberish) and end by themselves."""
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
    return combine("degeneration", parts, thresholds=thresholds)


def code_mix(inputs: GateInputs, *, thresholds: GateThresholds) -> GateResult:
    """Return whether as many English words are mixed in as native writers (or the parent) do.

    With floors the child is held against native texts, without them against its parent.
    """
    series, band = inputs.code_mix, thresholds.code_mix_band
    if series is None:
        return combine("code_mix", [_not_measured(MIXED)], thresholds=thresholds)
    series = replace(series, name=MIXED)
    if not thresholds.floors:
        up = not_worse(series, margin=band, thresholds=thresholds, bad=True)
        down = not_worse(series, margin=band, thresholds=thresholds)
        return combine("code_mix", [up, down], thresholds=thresholds)
    part = _against_native(series, inputs.code_mix_reference, thresholds=thresholds)
    return combine("code_mix", [part], thresholds=thresholds)


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
