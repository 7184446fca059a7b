"""All gates of one region, in the order of the page."""

from collections.abc import Callable, Mapping

from ...data.manifest import Json
from .combine import combine, trust_detector
from .quality import forgetting, target_quality
from .result import GateResult, Part, Verdict
from .series import GateInputs
from .share_gates import (
    code_mix,
    degeneration,
    fidelity,
    over_refusal,
    register,
    safety,
    script,
)
from .thresholds import GATES, GateThresholds

_SHARE_GATES: dict[str, Callable[..., list[Part]]] = {
    "fidelity": fidelity,
    "script": script,
    "register": register,
    "code_mix": code_mix,
    "safety": safety,
    "over_refusal": over_refusal,
    "degeneration": degeneration,
}


def judge_region(inputs: GateInputs, *, thresholds: GateThresholds) -> list[GateResult]:
    """Return every gate that the thresholds name, in the order of the page."""
    parts: dict[str, list[Part]] = {}
    for gate in GATES:
        if gate not in thresholds.gates:
            continue
        if gate == "target_quality":
            parts[gate] = target_quality(inputs.tasks, thresholds=thresholds)
        elif gate == "forgetting":
            parts[gate] = forgetting(inputs.retention, thresholds=thresholds)
        elif gate == "contamination":
            parts[gate] = contamination(inputs.exact_hits)
        else:
            parts[gate] = _SHARE_GATES[gate](inputs, thresholds=thresholds)
    return [
        trust_detector(result, inputs.detectors.get(result.gate), thresholds=thresholds)
        for result in combine(parts, thresholds=thresholds)
    ]


def contamination(exact_hits: Mapping[str, int | None]) -> list[Part]:
    """Return the rules of whether no item of a task stands in the training data."""
    parts: list[Part] = []
    for task, hits in exact_hits.items():
        if hits is None:
            verdict, sentence = Verdict.INCONCLUSIVE, f"{task}: not looked up in the training data"
        elif hits:
            verdict, sentence = Verdict.FAIL, f"{task}: {hits} items stand in the training data"
        else:
            verdict, sentence = Verdict.PASS, f"{task}: no item stands in the training data"
        figures: dict[str, Json] = {"exact_hits": hits}
        parts.append(Part(name=task, verdict=verdict, sentence=sentence, figures=figures))
    return parts
