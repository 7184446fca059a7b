"""Judged values in ``lokal compare``: uses are compared; gates wait for a calibrated judge."""

from pathlib import Path

import pytest

from .fake_judge import GOOD, always_first, honest, rubric_answer
from .judged_run import JudgedRun, judge_server

NUM = 80
GATES = ["target_quality", "fidelity"]


def both(texts: dict[str, str]) -> str:
    """Judge pairs and single replies by the same rule."""
    if "reply" not in texts:
        return honest(texts)
    level = ("none", "half", "full")[min(2, texts["reply"].count(GOOD))]
    return rubric_answer(level, points=["yes", "no"])


@pytest.fixture
def run(tmp_path: Path) -> JudgedRun:
    made = JudgedRun(tmp_path)
    made.open_suite(["id"], num_items=NUM)
    made.say("parent", "id", NUM, lambda n: n % 2)
    made.say("child-id", "id", NUM, lambda n: 2 - n % 3 // 2)
    made.say("gpt-4", "id", NUM, lambda n: 1, label="gpt-4")
    return made


def compare(run: JudgedRun) -> dict:
    run.compare("suite=o", "regions=[id]", "baselines=[gpt-4]", gates=GATES)
    return run.region("id")


def test_rubric_values_count_only_once_pairs_have_shown_the_judge_to_be_fit(
    run: JudgedRun,
) -> None:
    systems = "systems=[parent,child-id,gpt-4]"
    with judge_server(both) as server:
        run.judge("languages=[id]", "mode=rubric", systems, server=server)
        name = next(iter(run.summary("rubric")["judges"]))
        assert run.summary("rubric")["judges"][name]["languages"]["id"]["fitness"] == "not tested"
        assert run.summary("rubric")["replies"]["id"]["child-id"]["value"] is None
        assert {row["choice"] for row in compare(run)["decision"]} == {"not compared"}
        run.judge("languages=[id]", systems, server=server)
        run.judge("languages=[id]", "mode=rubric", "overwrite=true", systems, server=server)
    # Half the criteria, half the rubric's two points, of which one is met.
    assert run.summary("rubric")["replies"]["id"]["gpt-4"]["value"]["value"] == 0.5
    assert set(run.summary()["strengths"]["id"]["win_rates"]) == {"parent", "child-id", "gpt-4"}

    region = compare(run)
    page = run.report("items/id-o-1.html")
    assert f"{name} on child-id beside parent: " in page
    assert "<dt>parent first: " in page
    assert "<dt>child-id first: " in page
    assert f"{name} on gpt-4: 50 of 100" in page
    rows = {row["use"]: row for row in region["decision"]}
    words = f"judged by {name}, not calibrated (0 of 200)"
    for use in ("shopping", "chat"):
        assert (rows[use]["choice"], rows[use]["judged"]) == ("ours", [words])
    assert rows["knowledge"]["choice"] == "not compared"
    task = region["tasks"][0]
    assert (task["metric"], task["judged"], task["counts"]) == ("judged", words, False)
    # Shown, but neither a headline nor a gate rests on a judge that nobody has calibrated.
    assert region["headline"] == {}
    assert words in run.report("index.html")
    gates = {gate["gate"]: gate for gate in run.verdict()["regions"]["id"]["gates"]}
    assert gates["target_quality"]["verdict"] != "pass"


def test_values_of_an_unfit_judge_are_not_used(run: JudgedRun) -> None:
    def lazy(texts: dict[str, str]) -> str:
        return always_first(texts) if "reply" not in texts else both(texts)

    with judge_server(lazy) as server:
        run.judge("languages=[id]", server=server)
        run.judge("languages=[id]", "mode=rubric", server=server)
    assert {row["choice"] for row in compare(run)["decision"]} == {"not compared"}
    assert "unfit</b>: it changes its verdict on" in run.report("index.html")
