"""What ``results.json`` says of replies that were written by hand."""

import json
from pathlib import Path

import pytest
from lokal.evaluation.metrics.chrf import ChrF
from lokal.evaluation.reply import State

from .made_run import MadeRun

HINDI = "ज़िला अस्पताल, क्‍षमा"  # nukta and a joiner
TEXTS = {
    "id": "Rumah sakit di kota ini buka setiap hari",
    "hi": HINDI,
    "tl": "Ang ospital ng ng̃alan",
}
LABELS = ["sports", "health", "travel", "politics"]


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    return MadeRun(tmp_path)


def label_suite(run: MadeRun, number: int = 100, **values: object) -> None:
    """Write a suite with its items in four languages; every fourth item has the same label."""
    rows = {
        code: [
            {"id": f"t/{k}", "text": f"{text} {k}", "label": LABELS[k % 4], "passage": k // 5}
            for k in range(number)
        ]
        for code, text in {**TEXTS, "en": "The hospital"}.items()
    }
    known = {"format": "label", "task": "topic", "labels": LABELS, "origin": "translated"}
    run.suite("t", rows, **{**known, "use": "knowledge", **values})


def said(rights: int, *, unread: int = 0, missing: int = 0, number: int = 100) -> dict:
    """Return replies: the first so many right, the last without an answer or not there at all."""
    replies: dict[str, str | State] = {}
    for k in range(number):
        replies[f"t/{k}"] = LABELS[(k % 4) if k < rights else (k + 1) % 4]
    for k in range(number - unread - missing, number):
        replies[f"t/{k}"] = "saya tidak tahu" if k < number - missing else State.error
    return replies


def both(run: MadeRun, code: str, parent: dict, child: dict) -> None:
    run.replies("parent", "t", code, parent)
    run.replies(f"child-{code}", "t", code, child)


def test_each_region_has_its_own_figures_and_unrun_benchmarks_are_listed(run: MadeRun) -> None:
    label_suite(run)
    both(run, "id", said(40), said(70))
    both(run, "hi", said(70), said(40))
    run.replies("parent", "t", "tl", said(50))
    run.replies("child-tl", "t", "en", said(50))
    assert run.compare("suite=t") == 3
    words = {
        code: [task["differences"]["child-parent"]["word"] for task in run.region(code)["tasks"]]
        for code in ("id", "hi", "tl")
    }
    assert words == {"id": ["better"], "hi": ["worse"], "tl": []}
    assert "Not run, so not compared: " in run.report("index.html")
    missing = json.loads(run.report("results.json"))["not_run"]
    assert missing["child-tl in tl"] == ["t"]
    assert missing["parent in en"] == ["t"]
    verdict = run.verdict()
    assert verdict["overall"] == "fail"
    assert verdict["regions"]["hi"]["verdict"] == "fail"
    assert verdict["regions"]["id"]["verdict"] == "inconclusive"


def test_unreadable_answers_are_wrong_and_above_two_percent_mark_the_row(run: MadeRun) -> None:
    label_suite(run)
    both(run, "id", said(60, unread=2), said(60, unread=10))
    run.compare("suite=t", "regions=[id]")
    (task,) = run.region("id")["tasks"]
    parent, child = task["systems"]["parent"], task["systems"]["child"]
    assert (child["value"], child["coverage"], child["unread"]) == (0.6, 1.0, 0.1)
    assert child["bounds"] == pytest.approx([0.6, 0.7])
    assert (parent["marked"], child["marked"]) == (False, True)
    assert child["parsed_only"]["value"] == pytest.approx(60 / 90)
    made = task["differences"]["child-parent"]["all_items"]
    assert made["worst_case"][0] < made["interval"][0]
    assert made["best_case"][1] > made["interval"][1]


def test_missing_replies_are_no_wrong_answers_but_the_worst_case_has_to_agree(run: MadeRun) -> None:
    label_suite(run)
    parent = said(100) | {f"t/{k}": "x" for k in range(12)}
    both(run, "id", parent, said(100, missing=44))
    run.compare("suite=t", "regions=[id]")
    (task,) = run.region("id")["tasks"]
    child = task["systems"]["child"]
    assert (child["value"], child["missing"], child["coverage"]) == (1.0, 44, 0.56)
    assert child["bounds"] == pytest.approx([0.56, 1.0])
    made = task["differences"]["child-parent"]["all_items"]
    assert made["n"] == 56
    assert made["interval"][0] > 0  # over the items with both replies the child is far ahead,
    assert made["worst_case"][0] < 0  # but the missing ones could all be wrong
    assert made["word"] == "no difference shown"


def test_items_of_one_passage_count_as_one_draw(run: MadeRun) -> None:
    label_suite(run, cluster="passage")
    both(run, "hi", said(40), said(60))
    run.compare("suite=t", "regions=[hi]")
    (task,) = run.region("hi")["tasks"]
    assert (task["n"], task["groups"]) == (100, 20)
    assert task["differences"]["child-parent"]["all_items"]["word"] == "too few items"
    run.compare("suite=t", "regions=[hi]", "statistics.min_items=20")
    made = run.region("hi")["tasks"][0]["differences"]["child-parent"]["all_items"]
    assert made["test"] == "t"  # McNemar would take the 100 items for independent
    width = made["interval"][1] - made["interval"][0]
    label_suite(run)
    both(run, "hi", said(40), said(60))
    run.compare("suite=t", "regions=[hi]")
    alone = run.region("hi")["tasks"][0]["differences"]["child-parent"]["all_items"]
    assert alone["test"] == "McNemar"
    assert width > 1.5 * (alone["interval"][1] - alone["interval"][0])


def test_translations_are_scored_as_a_corpus(run: MadeRun) -> None:
    references = [f"{HINDI} की बात संख्या {k} है।" for k in range(40)]
    rows = [
        {"id": f"m/{k}", "text_en": f"Number {k}", "text_hi": text}
        for k, text in enumerate(references)
    ]
    run.suite(
        "m",
        {"hi": rows},
        format="translation",
        task="translate_from_en",
        direction="from_en",
        use="translation",
        protect=["text_en", "text_hi"],
    )
    run.replies("parent", "m", "hi", {f"m/{k}": f"बात {k}" for k in range(40)})
    run.replies("child-hi", "m", "hi", {f"m/{k}": text for k, text in enumerate(references)})
    run.compare("suite=m", "regions=[hi]")
    (task,) = run.region("hi")["tasks"]
    chrf = ChrF()
    counts = [chrf.statistics(f"बात {k}", [text]) for k, text in enumerate(references)]
    parent = chrf.score([sum(column) for column in zip(*counts, strict=True)])
    assert task["metric"] == "chrF++"
    assert task["signature"] == chrf.signature
    assert task["systems"]["child"]["value"] == pytest.approx(1.0)
    assert task["systems"]["parent"]["value"] == pytest.approx(parent)
    made = task["differences"]["child-parent"]["all_items"]
    assert made["difference"] == pytest.approx(1 - parent)
    assert made["test"] == "bootstrap"
    assert made["word"] == "better"
    assert run.region("hi")["checks"]["child"]["n"] == 40


def test_likelihoods_never_stand_beside_written_answers(run: MadeRun) -> None:
    label_suite(run, likelihood="labels")
    both(run, "tl", said(50), said(55))
    for system, rights in (("parent", 20), ("child-tl", 80)):
        scores = {
            f"t/{k}": {
                label: float(number == (k + (k >= rights)) % 4)
                for number, label in enumerate(LABELS)
            }
            for k in range(100)
        }
        run.likelihoods(system, "t", "tl", scores)
    run.compare("suite=t", "regions=[tl]")
    tasks = {task["protocol"]: task for task in run.region("tl")["tasks"]}
    assert tasks["generate"]["systems"]["child"]["value"] == 0.55
    assert tasks["loglikelihood"]["systems"]["child"]["value"] == 0.8
    headline = run.region("tl")["headline"]
    assert set(headline) == {"generate", "loglikelihood"}
    assert headline["generate"]["all"]["child-parent"]["child"] == pytest.approx(
        (0.55 - 0.25) / 0.75
    )


def test_options_by_their_text_have_a_plain_and_a_length_corrected_accuracy(run: MadeRun) -> None:
    rows = [
        {
            "id": f"c/{k}",
            "question": f"Apa {k}?",
            "choices": ["ya", "tentu saja tidak"],
            "answer": 1,
        }
        for k in range(40)
    ]
    run.suite("c", {"id": rows}, format="choice", task="choice", likelihood="texts")
    # By itself the short option is likelier, by its length the long one.
    scores = {f"c/{k}": {"A": -4.0, "B": -8.0} for k in range(40)}
    for system in ("parent", "child-id"):
        run.likelihoods(system, "c", "id", scores)
    run.compare("suite=c", "regions=[id]")
    tasks = {task["metric"]: task for task in run.region("id")["tasks"]}
    assert tasks["acc"]["systems"]["child"]["value"] == 0
    assert tasks["acc_norm"]["systems"]["child"]["value"] == 1
    assert [task["is_main"] for task in tasks.values()] == [True, False]


def test_native_and_translated_benchmarks_are_headlined_apart_and_together(run: MadeRun) -> None:
    label_suite(run)
    rows = [
        {
            "id": f"n/{k}",
            "text": f"{HINDI} {k}",
            "label": LABELS[k % 4],
            "kind": "CS" if k % 2 else "CA",
        }
        for k in range(80)
    ]
    run.suite(
        "n", {"hi": rows}, format="label", task="topic", labels=LABELS, origin="native",
        category="kind",
    )  # fmt: skip
    run.choice("two", ["t", "n"])
    both(run, "hi", said(40), said(80))
    answers = {f"n/{k}": LABELS[k % 4] for k in range(80)}
    run.replies("parent", "n", "hi", answers)
    run.replies("child-hi", "n", "hi", answers | {f"n/{k}": "x" for k in range(1, 80, 2)})
    run.compare("suite=two", "regions=[hi]")
    region = run.region("hi")
    made = {name: pairs["child-parent"] for name, pairs in region["headline"]["generate"].items()}
    assert made["translated"]["word"] == "better"
    assert made["native"]["word"] == "worse"
    assert made["all"]["difference"] == pytest.approx(
        (made["native"]["difference"] + made["translated"]["difference"]) / 2
    )
    native = next(task for task in region["tasks"] if task["suite"] == "n")
    assert native["categories"]["CS"]["systems"]["child"]["value"] == 0
    assert native["categories"]["CA"]["systems"]["child"]["value"] == 1


def test_a_small_difference_says_how_many_items_would_show_one(run: MadeRun) -> None:
    label_suite(run)
    both(run, "id", said(50), said(52))
    run.compare("suite=t", "regions=[id]")
    made = run.region("id")["tasks"][0]["differences"]["child-parent"]["all_items"]
    assert made["word"] == "no difference shown"
    assert made["detectable"] > 0.02
    assert made["needed"] > 0


def test_several_replies_to_an_item_count_by_their_mean(run: MadeRun) -> None:
    label_suite(run, number=40)
    both(run, "tl", said(40, number=40), said(40, number=40))
    path = run.root / "x/generations/child-tl/t-tl.jsonl"
    first = path.read_text(encoding="utf-8")
    second = first.replace('"sample": 0', '"sample": 1').replace(
        '"reply": "sports"', '"reply": "x"'
    )
    path.write_text(first + second, encoding="utf-8")
    run.compare("suite=t", "regions=[tl]")
    (task,) = run.region("tl")["tasks"]
    child = task["systems"]["child"]
    assert (child["n"], child["value"]) == (40, pytest.approx(1 - 0.25 / 2))
    assert child["unread"] == 0.25
    assert task["differences"]["child-parent"]["all_items"]["test"] == "t"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["baselines=[child]"], "baselines: child is the name of what they are compared with"),
        (["baselines=[gpt-9]"], "generations/gpt-9 does not exist"),
        (["price_table=none"], "unknown prices 'none'"),
        (["statistics.worth_showing=0"], "statistics.worth_showing must be above 0"),
        (["gates.gates=[speed]"], "gates.speed is no gate"),
    ],
)
def test_senseless_settings_are_one_line(
    run: MadeRun, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    label_suite(run)
    both(run, "id", said(40), said(70))
    assert run.compare("suite=t", "regions=[id]", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
