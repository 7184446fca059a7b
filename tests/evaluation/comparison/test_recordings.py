"""Several recordings of different benchmarks beside parent and child in one report."""

import json
from pathlib import Path

import pytest

from .made_run import MadeRun

LABELS = ["sports", "health"]
RECORDED = {"gpt-4": "w", "claude": "w", "gpt-3.5": "f"}


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    """Return a run of two benchmarks, of which each recording has one."""
    made = MadeRun(tmp_path)
    for suite in ("w", "f"):
        rows = [
            {"id": f"{suite}/{k}", "text": f"ज़िला {k}", "label": LABELS[k % 2]} for k in range(60)
        ]
        known = {"format": "label", "task": "topic", "labels": LABELS, "use": "translation"}
        made.suite(suite, {"hi": rows, "en": rows}, **known)
        systems = {"parent": 30, "child-hi": 36}
        systems |= {name: 60 for name, recorded in RECORDED.items() if recorded == suite}
        for system, rights in systems.items():
            said = {f"{suite}/{k}": LABELS[k % 2 if k < rights else (k + 1) % 2] for k in range(60)}
            made.replies(system, suite, "hi", said)
    made.choice("both", ["w", "f"])
    return made


def test_what_a_recording_lacks_is_listed_and_the_rest_compared(run: MadeRun) -> None:
    run.compare("suite=both", "regions=[hi]", f"baselines=[{','.join(RECORDED)}]")
    results = json.loads(run.report("results.json"))
    for system, lacking in {"gpt-4": "f", "claude": "f", "gpt-3.5": "w"}.items():
        assert results["not_run"][f"{system} in hi"] == [lacking]
        assert f"Not run, so not compared: {system} in hi: {lacking}." in run.report("index.html")
    pairs = {
        task["suite"]: {name for name in task["differences"] if name != "child-one answer"}
        for task in results["regions"]["hi"]["tasks"]
    }
    assert pairs == {
        "w": {"child-parent", "child-gpt-4", "child-claude"},
        "f": {"child-parent", "child-gpt-3.5"},
    }


def test_the_table_shows_all_systems_and_then_all_differences(run: MadeRun) -> None:
    run.compare("suite=both", "regions=[hi]", f"baselines=[{','.join(RECORDED)}]")
    head = run.report("table.txt").splitlines()[0]
    names = ["parent", "child", "gpt-4", "claude", "gpt-3.5", "child - parent", "child - gpt-4"]
    places = [head.index(f"  {name}  ") for name in names]
    assert places == sorted(places)
    sentence = run.verdict()["regions"]["hi"]["sentence"]
    assert "gpt-3.5, gpt-4 and claude are better than the child." in sentence
