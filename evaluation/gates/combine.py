"""Gates from their rules: Holm over all of them, and the one sentence that decides each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..statistics.multiplicity import holm
from .result import GateResult, Part, Verdict, worst_verdict
from .series import Detector
from .thresholds import GateThresholds
from .words import percent


def combine(gates: Mapping[str, Sequence[Part]], *, thresholds: GateThresholds) -> list[GateResult]:
    """Return each gate: all of its rules have to pass, and one failure is enough.

    That all have to pass needs no correction: each is tested at the full level. That one of many
    fails does: a failure stands only while its p-value, adjusted by Holm over all rules of all
    gates, stays small; else it is inconclusive.
    """
    every = [part for parts in gates.values() for part in parts if part.fail_p is not None]
    adjusted = dict(zip(map(id, every), holm([part.fail_p or 0.0 for part in every]), strict=True))
    results: list[GateResult] = []
    for gate, parts in gates.items():
        p_values = [adjusted.get(id(part)) for part in parts]
        kept = [
            _believed(part, p_value, thresholds=thresholds)
            for part, p_value in zip(parts, p_values, strict=True)
        ]
        verdict = worst_verdict([part.verdict for part in kept])
        decisive = [part.sentence for part in kept if part.verdict == verdict]
        results.append(
            GateResult(
                gate=gate,
                verdict=verdict,
                reason=decisive[0] if decisive else f"nothing was measured for {gate}",
                parts=tuple(kept),
                adjusted_p=tuple(p_values),
            )
        )
    return results


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


def _believed(part: Part, adjusted: float | None, *, thresholds: GateThresholds) -> Part:
    if part.verdict != Verdict.FAIL or adjusted is None or adjusted < thresholds.alpha:
        return part
    doubt = f"{part.sentence}; among so many rules this may be chance (p {adjusted:.2f})"
    return replace(part, verdict=Verdict.INCONCLUSIVE, sentence=doubt)
