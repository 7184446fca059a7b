"""All systems beside each other, with scores worked out by hand."""

import json
from pathlib import Path

import pytest

from .made_run import MadeRun

LABELS = ["sports", "health"]


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    """Return a run in which the child is right on 90 of 120 items, the parent on 60, gpt on 120."""
    made = MadeRun(tmp_path)
    rows = [{"id": f"q/{k}", "text": f"ज़रा {k}", "label": LABELS[k % 2]} for k in range(120)]
    made.suite("q", {"hi": rows}, format="label", task="topic", labels=LABELS)
    for system, right in (("parent", 60), ("child-hi", 90), ("gpt", 120)):
        said = {f"q/{k}": LABELS[k % 2] if k < right else LABELS[1 - k % 2] for k in range(120)}
        made.replies(system, "q", "hi", said)
    made.compare("suite=q", "regions=[hi]", "baselines=[gpt]")
    return made


def test_scores_pairs_and_strengths_order_the_systems(run: MadeRun) -> None:
    board = json.loads(run.report("results.json"))["regions"]["hi"]["leaderboard"]
    scores = {name: made["score"]["value"] for name, made in board["systems"].items()}
    assert scores == pytest.approx({"child": 0.5, "parent": 0.0, "gpt": 1.0}, abs=1e-9)
    pair = board["pairs"]["parent gpt"]
    assert pair["difference"] == pytest.approx(-1.0)  # -60 of 120 items, chance one half
    strengths = {name: made["value"] for name, made in board["strengths"]["systems"].items()}
    assert strengths["parent"] == pytest.approx(0.5)
    assert 0.5 < strengths["child"] < strengths["gpt"]
    low, high = board["strengths"]["systems"]["child"]["interval"]
    assert 0.5 < low < strengths["child"] < high
    assert board["strengths"]["games"] == 360


def test_any_pair_is_two_clicks_from_the_first_page(run: MadeRun) -> None:
    assert '<a href="leaderboard.html">' in run.report("index.html")
    page = run.report("leaderboard.html")
    assert "find.html#region=hi&amp;system=parent&amp;other=gpt&amp;change=lost" in page
