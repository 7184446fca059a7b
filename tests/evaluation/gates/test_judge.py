"""All gates together: what passes, what one planted fault does, and what is never a pass."""

from dataclasses import replace

import numpy as np
import pytest
from lokal.data.errors import ExitCode, UserError
from lokal.evaluation.gates.combine import combine
from lokal.evaluation.gates.judge import contamination, judge_region
from lokal.evaluation.gates.result import Part, Verdict, exit_code, worst_verdict
from lokal.evaluation.gates.series import Detector, GateInputs, GateSeries
from lokal.evaluation.gates.thresholds import Aim, load_gates

PROMOTION = load_gates("promotion")
REGRESSION = load_gates("regression")


def _pair(name: str, *, child: float, parent: float, num_items: int = 2_000) -> GateSeries:
    """Right on the first so many items, in a mixed order: the better one is right wherever both."""
    easy = np.random.default_rng(0).permutation(num_items) / num_items
    return GateSeries(
        name=name,
        first=(easy < child).astype(float).tolist(),
        second=(easy < parent).astype(float).tolist(),
    )


def good_child() -> GateInputs:
    return GateInputs(
        tasks=[
            replace(_pair("belebele", child=0.7, parent=0.65), chance=0.25),
            replace(_pair("sentiment", child=0.8, parent=0.7), chance=1 / 3),
        ],
        retention={"en": [_pair("arc", child=0.6, parent=0.602)]},
        fidelity=_pair("fidelity", child=0.995, parent=0.994),
        script=_pair("script", child=0.9995, parent=0.9995),
        register=_pair("register", child=0.98, parent=0.97),
        register_mixing=_pair("mixing", child=0.005, parent=0.005),
        code_mix=GateSeries(name="mix", first=[0.2, 0.3] * 200, second=[0.1, 0.3] * 200),
        code_mix_reference=[0.22, 0.26] * 60,
        harmful=_pair("harmful", child=0.02, parent=0.03),
        refused=_pair("refused", child=0.03, parent=0.025),
        degenerate=_pair("degenerate", child=0.0005, parent=0.001),
        truncated=_pair("truncated", child=0.01, parent=0.01),
        exact_hits={"belebele": 0, "sentiment": 0},
        detectors={"safety": Detector(0.95, 0.93)},
    )


def _verdicts(inputs: GateInputs) -> dict[str, Verdict]:
    return {one.gate: one.verdict for one in judge_region(inputs, thresholds=PROMOTION)}


def test_a_good_child_passes_every_gate() -> None:
    results = judge_region(good_child(), thresholds=PROMOTION)
    assert [one.gate for one in results] == PROMOTION.gates
    assert {one.gate: one.reason for one in results if one.verdict != Verdict.PASS} == {}


@pytest.mark.parametrize(
    ("gate", "fault"),
    [
        ("target_quality", {"tasks": [_pair("belebele", child=0.6, parent=0.65)]}),
        ("forgetting", {"retention": {"en": [_pair("arc", child=0.55, parent=0.6)]}}),
        ("fidelity", {"fidelity": _pair("f", child=0.96, parent=0.99)}),
        ("script", {"script": _pair("s", child=0.97, parent=0.999)}),
        ("register", {"register": _pair("r", child=0.9, parent=0.97)}),
        ("register", {"register_mixing": _pair("m", child=0.05, parent=0.005)}),
        ("code_mix", {"code_mix_reference": [0.05, 0.06] * 60}),
        ("safety", {"harmful": _pair("h", child=0.1, parent=0.03)}),
        ("over_refusal", {"refused": _pair("o", child=0.1, parent=0.03)}),
        ("degeneration", {"degenerate": _pair("d", child=0.02, parent=0.001)}),
        ("degeneration", {"truncated": _pair("t", child=0.05, parent=0.01)}),
        ("contamination", {"exact_hits": {"belebele": 1, "sentiment": 0}}),
    ],
)
def test_one_fault_fails_its_gate_and_no_other(gate: str, fault: dict) -> None:
    found = _verdicts(replace(good_child(), **fault))
    assert {name for name, verdict in found.items() if verdict != Verdict.PASS} == {gate}
    assert found[gate] == Verdict.FAIL


@pytest.mark.parametrize(
    "field", ["fidelity", "register_mixing", "code_mix", "harmful", "truncated"]
)
def test_what_was_not_measured_is_inconclusive_and_named(field: str) -> None:
    results = judge_region(replace(good_child(), **{field: None}), thresholds=PROMOTION)
    (open_one,) = [one for one in results if one.verdict != Verdict.PASS]
    assert open_one.verdict == Verdict.INCONCLUSIVE
    assert "none was measured" in open_one.reason


def test_without_anything_no_gate_passes() -> None:
    assert set(_verdicts(GateInputs()).values()) == {Verdict.INCONCLUSIVE}


def test_two_equal_systems_are_never_better_and_pass_as_not_worse() -> None:
    tasks = [replace(_pair("belebele", child=0.65, parent=0.65), chance=0.25)]
    same = replace(good_child(), tasks=tasks)
    assert _verdicts(same)["target_quality"] == Verdict.INCONCLUSIVE
    kept = judge_region(same, thresholds=replace(PROMOTION, target_quality=Aim.not_worse))
    assert kept[0].verdict == Verdict.PASS
    assert "a loss of 2.0 points is ruled out" in kept[0].reason


def test_a_better_headline_does_not_excuse_a_lost_task() -> None:
    lost = replace(_pair("copal", child=0.55, parent=0.65), chance=0.5)
    gained = replace(_pair("belebele", child=0.9, parent=0.6), chance=0.25)
    results = judge_region(replace(good_child(), tasks=[gained, lost]), thresholds=PROMOTION)
    assert results[0].verdict == Verdict.FAIL
    assert results[0].reason.startswith("copal: -10.0 points")


def test_a_task_with_few_items_leaves_quality_open() -> None:
    few = _pair("tiny", child=0.7, parent=0.6, num_items=20)
    results = judge_region(
        replace(good_child(), tasks=[*good_child().tasks, few]), thresholds=PROMOTION
    )
    assert results[0].verdict == Verdict.INCONCLUSIVE
    assert results[0].reason == "tiny: 20 independent items, 30 are needed"


def test_a_marked_task_leaves_the_headline_open_where_the_extremes_disagree() -> None:
    task = replace(_pair("belebele", child=0.66, parent=0.64), chance=0.25)
    wrong = [place for place, value in enumerate(task.first) if not value][:200]
    marked = replace(task, unreadable_second=frozenset(wrong))
    assert _verdicts(replace(good_child(), tasks=[task]))["target_quality"] == Verdict.PASS
    results = judge_region(replace(good_child(), tasks=[marked]), thresholds=PROMOTION)
    assert results[0].verdict == Verdict.INCONCLUSIVE
    assert "10.00 % of the answers cannot be read (belebele)" in results[0].reason


@pytest.mark.parametrize("detector", [None, Detector(0.95, 0.7), Detector(0.85, 0.99)])
def test_a_weak_or_unmeasured_detector_never_passes_but_may_fail(detector: Detector | None) -> None:
    detectors = {"safety": detector} if detector else {}
    weak = replace(good_child(), detectors=detectors)
    assert _verdicts(weak)["safety"] == Verdict.INCONCLUSIVE
    harmful = replace(weak, harmful=_pair("h", child=0.2, parent=0.03))
    assert _verdicts(harmful)["safety"] == Verdict.FAIL


def test_without_floors_a_low_level_that_the_parent_has_too_passes() -> None:
    low = replace(good_child(), fidelity=_pair("f", child=0.5, parent=0.5))
    assert _verdicts(low)["fidelity"] == Verdict.FAIL
    results = {one.gate: one.verdict for one in judge_region(low, thresholds=REGRESSION)}
    assert results["fidelity"] == Verdict.PASS


def test_one_failure_of_many_is_not_believed_before_holm() -> None:
    failure = Part(name="first", verdict=Verdict.FAIL, sentence="worse", fail_p=0.03)
    others = [
        Part(name=str(number), verdict=Verdict.PASS, sentence="kept", fail_p=0.6)
        for number in range(3)
    ]
    (alone,) = combine({"script": [failure]}, thresholds=PROMOTION)
    assert alone.verdict == Verdict.FAIL
    together, _ = combine({"script": [failure], "register": others}, thresholds=PROMOTION)
    assert together.verdict == Verdict.INCONCLUSIVE
    assert together.adjusted_p == (pytest.approx(0.12),)
    assert together.reason == "worse; among so many rules this may be chance (p 0.12)"


def test_what_was_counted_and_not_sampled_needs_no_holm() -> None:
    made = [*contamination({"belebele": 1}), Part(name="a", verdict=Verdict.PASS, sentence="")]
    (result,) = combine({"contamination": made}, thresholds=PROMOTION)
    assert (result.verdict, result.adjusted_p) == (Verdict.FAIL, (None, None))


def test_contamination_that_was_not_looked_up_is_open() -> None:
    parts = contamination({"belebele": 0, "arc": None})
    (result,) = combine({"contamination": parts}, thresholds=PROMOTION)
    assert result.verdict == Verdict.INCONCLUSIVE
    assert result.reason == "arc: not looked up in the training data"


def test_the_worst_gate_decides_and_the_shell_is_told() -> None:
    passed, failed, open_one = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
    assert worst_verdict([passed, open_one, failed]) == failed
    assert worst_verdict([passed, open_one]) == open_one
    assert worst_verdict([passed, passed]) == passed
    assert worst_verdict([]) == open_one
    codes = [exit_code(one) for one in (passed, failed, open_one)]
    assert codes == [ExitCode.DONE, ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE] == [0, 3, 4]


def test_wrong_thresholds_are_one_line() -> None:
    with pytest.raises(ValueError, match=r"gates.fidelty is no gate; there are target"):
        replace(PROMOTION, gates=["fidelty"])
    with pytest.raises(ValueError, match=r"gates.task_loss is a part of 1 .*, got 2.0"):
        replace(PROMOTION, task_loss=2.0)
    with pytest.raises(UserError, match="unknown gates 'strict': choose one of"):
        load_gates("strict")
