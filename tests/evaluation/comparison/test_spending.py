"""The report shows what was spent by region, vendor and language, and for each point gained."""

import json
from pathlib import Path

import pytest
from lokal.data.cost_ledger import CostEntry, CostKind, append_cost
from lokal.data.manifest import write_manifest

from .made_run import NOW, MadeRun

AT = "2026-11-27T17:00:00+00:00"
CODES = ["hi", "tl"]
COUNTS = ["steps", "tokens", "trained_tokens", "first_loss", "last_loss"]
COUNTS += ["dtype", "processes", "threads_per_process"]


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    """Return a run whose child of Hindi has gained 30 points and whose child of Tagalog none."""
    made = MadeRun(tmp_path)
    labels = ["sports", "health"]
    rows = [{"id": f"t/{k}", "text": f"ज़िला {k}", "label": labels[k % 2]} for k in range(100)]
    texts = dict.fromkeys([*CODES, "en"], rows)
    known = {"format": "label", "task": "topic", "labels": labels, "use": "knowledge"}
    made.suite("t", texts, **known)
    for code, rights in {"hi": (60, 90), "tl": (60, 60)}.items():
        for system, number in zip(("parent", f"child-{code}"), rights, strict=True):
            said = {f"t/{k}": labels[k % 2 if k < number else (k + 1) % 2] for k in range(100)}
            made.replies(system, "t", code, said)
    return made


def trained(run: MadeRun, code: str, *hours: float, usd: float | None) -> str:
    folder = run.folder / "trained" / code
    (folder / "model").mkdir(parents=True, exist_ok=True)
    write_manifest(
        folder / "model",
        recipe="finetune",
        key="k",
        config={},
        inputs=[],
        counts=dict.fromkeys(COUNTS, 1),
        started_at=NOW,
        finished_at=NOW,
    )
    for number, value in enumerate(hours):
        entry = CostEntry(
            kind=CostKind.gpu,
            what="finetune",
            at=AT,
            id=f"finetune-{number}",
            language=code,
            gpu_hours=value,
            num_gpus=8,
            wall_hours=value / 8,
            usd=usd,
        )
        append_cost(folder, entry)
    return f"+models.{code}={folder / 'model'}"


def asked(language: str, usd: float | None, **more) -> CostEntry:
    return CostEntry(
        kind=CostKind.api,
        what="collect_baseline",
        at=AT,
        language=language,
        usd=usd,
        questions=10,
        input_tokens=1000,
        output_tokens=50,
        **{"vendor": "openai", "model": "gpt", **more},
    )


def test_dollars_for_each_point_of_the_headline(run: MadeRun) -> None:
    word = trained(run, "hi", 8.0, 16.0, usd=30.0)
    run.compare("suite=t", "regions=[hi]", word)
    spent = run.region("hi")["spending"]
    assert spent["training"]["gpu_hours"] == 24.0
    assert spent["training"]["usd"] == 60.0
    assert spent["training"]["starts"] == 2
    gained = run.region("hi")["headline"]["generate"]["all"]["child-parent"]["difference"]
    assert spent["per_point"]["points"] == pytest.approx(100 * gained)
    assert spent["per_point"]["usd"] == pytest.approx(60.0 / (100 * gained))


@pytest.mark.parametrize(
    ("code", "usd", "words"),
    [("hi", None, "price unknown"), ("tl", 3.0, "no gain shown"), ("hi", 0, "training not named")],
)
def test_where_it_is_not_known_words_stand_instead(
    run: MadeRun, code: str, usd: float | None, words: str
) -> None:
    known = [] if usd == 0 else [trained(run, code, 8.0, usd=usd)]
    run.compare("suite=t", f"regions=[{code}]", *known)
    per_point = run.region(code)["spending"]["per_point"]
    assert (per_point["usd"], per_point["words"]) == (None, words)
    assert words in run.report("index.html")


def test_api_spend_stands_by_vendor_model_and_language_and_is_read_anew(run: MadeRun) -> None:
    judge = run.root / "x/judge/fluency"
    append_cost(judge, asked("hi", 0.5, vendor="anthropic", model="claude"))
    append_cost(run.root / "x", asked("hi", 0.25))
    append_cost(run.root / "x", asked("hi", 0.25, id="batch-1"))
    append_cost(run.root / "x/generations/parent", asked("hi", 0.25, id="batch-1"))  # a copy
    append_cost(run.root / "x", asked("en", None))
    words = ["suite=t", "regions=[hi]"]
    run.compare(*words)
    rows = run.region("hi")["spending"]["api"]
    assert [(row["vendor"], row["usd"], row["questions"]) for row in rows] == [
        ("anthropic", 0.5, 10),
        ("openai", 0.5, 20),
    ]
    (elsewhere,) = json.loads(run.report("results.json"))["spending_elsewhere"]
    assert (elsewhere["language"], elsewhere["usd"]) == ("en", None)
    assert "price unknown" in run.report("index.html")
    append_cost(run.root / "x", asked("hi", 1.0))
    run.compare(*words)
    assert [row["usd"] for row in run.region("hi")["spending"]["api"]] == [0.5, 1.5]


def test_a_broken_line_of_a_ledger_is_named(
    run: MadeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.root / "x/ledger.jsonl").write_text("{}\n")
    assert run.compare("suite=t", "regions=[hi]") == 2
    assert "ledger.jsonl:1 is no cost" in capsys.readouterr().err
