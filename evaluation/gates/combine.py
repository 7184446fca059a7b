"""A gate from its rules: Holm inside the gate, and the one sentence that decides."""

from collections.abc import Sequence
from dataclasses import replace

from ..statistics.multiplicity import holm
from .result import GateResult, Part, Verdict, worst_verdict
from .series import Detector
from .thresholds import GateThresholds
from .words import percent


def combine(gate: str, parts: Sequence[Part], *, thresholds: GateThresholds) -> GateResult:
    """Return the gate: every rule has to pass, and one failure is enough.

    That all have to pass needs no correction (each is tested at the full level); that one of many
    fails does: a failure stands only while its p-value, adjusted by Holm, stays small.
    """
    if not parts:
        reason = f"nothing was measured for {gate}"
        return GateResult(gate=gate, verdict=Verdict.INCONCLUSIVE, reason=reason)
    adjusted = holm([part.fail_p for part in parts])
    kept = [
        replace(part, verdict=Verdict.INCONCLUSIVE)
        if part.verdict == Verdict.FAIL and p_value >= thresholds.alpha
        else part
        for part, p_value in zip(parts, adjusted, strict=True)
    ]
    verdict = worst_verdict([part.verdict for part in kept])
    reason = next(part.sentence for part in kept if part.verdict == verdict)
    return GateResult(
        gate=gate, verdict=verdict, reason=reason, parts=tuple(kept), adjusted_p=tuple(adjusted)
    )


def trust_detector(
    result: GateResult, detector: Detector | None, *, thresholds: GateThresholds
) -> GateResult:
    """Return the gate, but no pass where its detector is weak, or unmeasured and has to be."""
    if detector is None:
        weak = result.gate in thresholds.detectors_needed
        how = "its detector's precision and recall were not measured"
    else:
        weak = min(detector) < thresholds.min_detector
        how = (
            f"its detector has precision {percent(detector.precision)} and recall "
            f"{percent(detector.recall)}, {percent(thresholds.min_detector)} is needed to pass"
        )
    if result.verdict != Verdict.PASS or not weak:
        return result
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=f"{result.reason}; but {how}")
