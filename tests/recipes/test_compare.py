"""``lokal compare`` on real recordings and a tiny checkpoint."""

import json
from pathlib import Path

import pytest
from lokal.recipes.compare import compare
from lokal.recipes.evaluate import evaluate


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path) -> Path:
    """Return runs with the tiny parent and both recordings in one of them, split test."""
    runs = tmp_path_factory.mktemp("compare")
    place = [f"root={runs}", "name=x"]
    tiny = ["model=local", f"model.path={tiny_llama_folder}", "answers.max_new_tokens=2"]
    assert evaluate.main(["system=parent", *tiny, "languages=[id,hi,tl,en]", *place]) == 0
    for system, choice in (("gpt-3.5-turbo", "sib200_gpt35"), ("gpt-4", "sib200_gpt4")):
        words = [f"system={system}", f"baseline={choice}", "languages=[id,hi,tl]", *place]
        assert evaluate.main(words) == 0
    return runs


def run(root: Path, *words: str) -> int:
    fast = ["child=parent", "exit_by_verdict=false", "statistics.resamples=500"]
    return compare.main([f"root={root}", "name=x", *fast, *words])


def tasks(root: Path, region: str) -> dict[str, dict]:
    results = json.loads((root / "x/report/results.json").read_text())
    return {task["protocol"]: task for task in results["regions"][region]["tasks"]}


def test_the_recordings_score_as_their_authors_say(root: Path):
    assert run(root) == 0
    for region, (everything, parsed) in {
        "id": (0.71, 0.91),
        "hi": (0.74, 0.92),
        "tl": (0.73, 0.91),
    }.items():
        made = tasks(root, region)["generate"]["systems"]["gpt-4"]
        assert made["n"] == 163
        assert made["value"] == pytest.approx(everything, abs=0.01)
        assert made["parsed_only"]["value"] == pytest.approx(parsed, abs=0.01)


def test_the_same_checkpoint_twice_shows_no_difference_in_any_region(root: Path):
    assert run(root) == 0
    for region in ("id", "hi", "tl"):
        made = tasks(root, region)
        assert made["loglikelihood"]["differences"]["child-parent"]["word"] == "no difference shown"
        differences = made["generate"]["differences"]
        assert differences["child-parent"]["word"] == "no difference shown"
        assert differences["child-gpt-4"]["word"] == "worse"
        assert (
            differences["child-gpt-4"]["asked_labels"]["n"]
            < differences["child-gpt-4"]["all_items"]["n"]
        )
    results = json.loads((root / "x/report/results.json").read_text())
    assert results["test_scored"] == {"sib200": 4}


def test_an_undecided_verdict_ends_with_code_4(root: Path):
    assert run(root, "exit_by_verdict=true") == 4


def test_prints_one_table_and_the_path_and_equal_bytes_when_run_again(
    root: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(root, "regions=[hi]") == 0
    first = capsys.readouterr().out
    kept = {
        name: (root / "x/report" / name).read_bytes() for name in ("results.json", "index.html")
    }
    assert run(root, "regions=[id]") == 0
    capsys.readouterr()
    assert run(root, "regions=[hi]") == 0
    assert capsys.readouterr().out == first
    assert "Hindi" in first
    assert str(root / "x/report/index.html") in first
    for name, content in kept.items():
        assert (root / "x/report" / name).read_bytes() == content


def test_a_system_that_was_not_evaluated_is_named(root: Path, capsys: pytest.CaptureFixture[str]):
    assert run(root, "baselines=[claude]") == 2
    assert "generations/claude does not exist" in capsys.readouterr().err
