"""Published scores stand beside a benchmark as context, and change no figure, word or gate."""

import json
from pathlib import Path

import pytest
import yaml
from lokal.data.errors import UserError
from lokal.data.suite import load_suite
from lokal.evaluation.comparison.load import METRICS
from lokal.evaluation.published import load_published, published_beside

from .made_run import MadeRun

LABELS = ["sports", "health"]
ROW = {
    "suites": ["t"],
    "language": "hi",
    "system": "gpt-9 <b>",
    "version": "",
    "metric": "accuracy",
    "percent": 99.5,
    "items": 1012,
    "shots": 0,
    "from": "page",
}


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    made = MadeRun(tmp_path)
    rows = [{"id": f"t/{k}", "text": f"ज़िला {k}", "label": LABELS[k % 2]} for k in range(60)]
    known = {"format": "label", "task": "topic", "labels": LABELS, "use": "knowledge"}
    made.suite("t", {"hi": rows, "tl": rows, "en": rows}, **known)
    for code in ("hi", "tl"):
        for system, number in (("parent", 30), (f"child-{code}", 40)):
            said = {f"t/{k}": LABELS[k % 2 if k < number else (k + 1) % 2] for k in range(60)}
            made.replies(system, "t", code, said)
    return made


def table(run: MadeRun, *rows: dict) -> None:
    path = run.folder / "configs/published/own.yaml"
    path.parent.mkdir(exist_ok=True)
    sources = {"page": {"url": "https://example.org/t", "note": "their own prompt"}}
    path.write_text(yaml.safe_dump({"name": "own", "sources": sources, "scores": list(rows)}))


def report(run: MadeRun, name: str) -> tuple[dict, dict, str]:
    run.compare("suite=t", "regions=[hi,tl]", f"published_table={name}", gates=["target_quality"])
    return json.loads(run.report("results.json")), run.verdict(), run.report("table.txt")


def test_they_stand_beside_the_matching_benchmark_language_and_metric_alone(run: MadeRun) -> None:
    strange = [{"language": "id"}, {"suites": ["u"]}, {"metric": "chrF++"}]
    table(run, ROW, *({**ROW, **other} for other in strange))
    results, _, _ = report(run, "own")
    (row,) = results["regions"]["hi"]["published"]
    assert (row["suite"], row["percent"], row["items"], row["items_here"]) == ("t", 99.5, 1012, 60)
    assert results["regions"]["tl"]["published"] == []
    page = run.report("index.html")
    assert page.count("gpt-9 &lt;b&gt;") == 1
    assert "https://example.org/t" in page
    assert "No test, headline or gate knows these figures." in page


def test_they_enter_no_test_no_headline_and_no_gate(run: MadeRun) -> None:
    table(run, ROW)
    without = report(run, "''")
    with_them = report(run, "own")
    for results, _, _ in (without, with_them):
        for region in results["regions"].values():
            region["published"] = []
    assert with_them == without
    text = json.dumps(with_them)
    assert "gpt-9" not in text


def test_they_cannot_be_named_as_a_system(run: MadeRun, capsys: pytest.CaptureFixture[str]) -> None:
    table(run, ROW)
    assert run.compare("suite=t", "regions=[hi]", "published_table=own", "baselines=[own]") == 2
    assert "generations/own does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"from": "nowhere"}, "from, the name of a source"),
        ({"percent": 101}, r"must lie in \[0, 100\]"),
        ({"more": 1}, "more"),
    ],
)
def test_a_score_without_its_page_or_with_a_wrong_value_is_named(
    run: MadeRun, capsys: pytest.CaptureFixture[str], change: dict, message: str
) -> None:
    table(run, {**ROW, **change})
    assert run.compare("suite=t", "regions=[hi]", "published_table=own") == 2
    with pytest.raises(UserError, match=message):
        raise UserError(capsys.readouterr().err)


def test_the_shipped_table_names_suites_languages_and_metrics_that_exist() -> None:
    scores = load_published("scores")
    assert len(scores) > 40
    for score in scores:
        for name in score.suites:
            suite = load_suite(name)
            assert score.language in (suite.languages or ["id", "hi", "tl", "en"])
            assert METRICS[suite.format] == score.metric
    beside = published_beside(scores, [("flores_sample_from_en", "hi", "chrF++", 200)] * 2)
    assert [row["system"] for row in beside if isinstance(row, dict)] == [
        "gpt-3.5-turbo",
        "gpt-3.5-turbo",
        "Google Translate",
    ]
