"""``lokal pipeline``: the whole chain on the shipped sample and a tiny checkpoint."""

import json
from pathlib import Path

import pytest
from lokal.data.manifest import find_damage, read_manifest
from lokal.recipes.pipeline import PipelineConfig, pipeline


def words(root: Path, tiny: Path) -> list[str]:
    return [
        "experiment=quickstart",
        "regions=[hi]",
        f"root='{root}'",
        f"parent=['model=local','model.path={tiny}']",
        "finetune=['training.max_steps=2','training.micro_rows=8']",
        "finetune_region.hi=['tokens.max_tokens=219','tokens.max_too_long_share=1.0']",
        "evaluate=['answers.max_new_tokens=2']",
    ]


def test_chains_all_recipes_and_given_again_redoes_nothing(
    tmp_path: Path, tiny_llama_folder: Path, capfd: pytest.CaptureFixture[str]
):
    root = tmp_path / "runs, with (odd) name"
    assert pipeline.main(words(root, tiny_llama_folder)) == 0
    first = capfd.readouterr()
    assert "Hindi" in first.out
    assert first.out.rstrip().endswith("report/index.html")
    results = json.loads((root / "quickstart/report/results.json").read_text())
    region = results["regions"]["hi"]
    systems = {"parent", "child", "gpt-3.5-turbo", "gpt-4"}
    assert set(region["tasks"][0]["systems"]) == systems
    assert region["contamination"]["sib200"]["exact_hits"] == 0
    verdict = json.loads((root / "quickstart/report/verdict.json").read_text())
    gates = [gate["gate"] for gate in verdict["regions"]["hi"]["gates"]]
    assert gates == ["target_quality", "forgetting", "contamination"]
    assert region["decontaminated"]["items_met"]["sib200 test"] == 77
    before = {path: path.stat().st_mtime_ns for path in root.rglob("manifest.json")}
    for path in before:
        manifest = read_manifest(path.parent)
        assert manifest is not None
        assert find_damage(path.parent, manifest) == []
    assert pipeline.main(words(root, tiny_llama_folder)) == 0
    again = capfd.readouterr()
    assert again.out == first.out
    assert {path: path.stat().st_mtime_ns for path in root.rglob("manifest.json")} == before
    assert again.err.count("nothing to do") == 7


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("regions=[]", "regions must name each region once"),
        ("regions=[id,id]", "regions must name each region once"),
        ("regions=[id,xx]", "unknown region 'xx': choose one of en, hi, id, tl"),
        ("regions=[en]", "anchor 'en' can't be one of regions"),
        ("evaluate_processes=0", "evaluate_processes must be 1 or more"),
    ],
)
def test_senseless_settings_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, message: str
):
    assert pipeline.main([setting, f"root={tmp_path}"]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_quickstart_uses_no_more_processes_than_two_cores():
    config = pipeline.compose(["experiment=quickstart"])
    assert isinstance(config, PipelineConfig)
    assert config.evaluate_processes == 2
    assert "launch.processes=2" in config.finetune
