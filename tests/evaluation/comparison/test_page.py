"""The page and the table: inert model output, the same bytes again, no network and no script."""

import json
import re
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from .made_run import MadeRun

HINDI = "ज़िला अस्पताल, क्‍षमा"  # nukta and a joiner
HOSTILE = "</dd><script>alert(1)</script>\u202e\"'& {{ 7*7 }} <img src=x onerror=alert(2)>"
LABELS = ["sports", "health"]


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    """Return a run in Hindi whose parent replies with markup, compared once."""
    made = MadeRun(tmp_path)
    rows = [{"id": f"q/{k}", "text": f"{HINDI} {k}", "label": LABELS[k % 2]} for k in range(130)]
    made.suite("q", {"hi": rows}, format="label", task="topic", labels=LABELS)
    made.replies("parent", "q", "hi", {f"q/{k}": HOSTILE for k in range(130)})
    made.replies("child-hi", "q", "hi", {f"q/{k}": LABELS[k % 2] for k in range(130)})
    made.compare("suite=q", "regions=[hi]")
    return made


def test_model_output_is_inert_text(run: MadeRun) -> None:
    page = run.report("items/hi-q-1.html")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert "</script>" not in run.report("cases.js")
    assert "</script>" not in run.report("texts-1.js")


def test_it_needs_no_network_and_only_the_list_needs_a_script(run: MadeRun) -> None:
    for name in ("index.html", "items/hi-q-1.html", "find.html"):
        page = run.report(name)
        assert "default-src 'none'" in page
        assert "http://" not in page
        sources = re.findall(r'(?:<script src|<link rel="stylesheet" href)="([^"]*)"', page)
        assert all((run.root / "x/report/items" / source).is_file() for source in sources) or all(
            (run.root / "x/report" / source).is_file() for source in sources
        )
        assert ("<script" in page) == (name == "find.html")


def test_hindi_keeps_joiners_and_nukta_and_says_its_language(run: MadeRun) -> None:
    page = run.report("items/hi-q-1.html")
    assert HINDI in page
    assert '<blockquote lang="hi" dir="auto">' in page


def test_the_number_of_changed_items_opens_their_list(run: MadeRun) -> None:
    page = run.report("index.html")
    assert '<a href="find.html#region=hi&amp;suite=q&amp;change=won">130</a>' in page
    assert '<a href="find.html#region=hi&amp;suite=q&amp;change=lost">0</a>' in page


def test_the_report_is_rebuilt_byte_for_byte_without_a_network(
    run: MadeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["index.html", "results.json", "verdict.json", "table.txt", "find.html", "cases.js"]
    names += ["texts-1.js", "items/hi-q-1.html", "items/hi-q-3.html"]
    before = {name: run.report(name) for name in names}
    assert run.compare("suite=q", "regions=[hi]", "statistics.seed=1") == 4
    assert run.report("results.json") != before["results.json"]

    def refuse(*_: object) -> NoReturn:
        pytest.fail("opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    run.compare("suite=q", "regions=[hi]")
    assert {name: run.report(name) for name in names} == before


def test_nothing_parsed_is_unknown_and_not_zero(run: MadeRun) -> None:
    parent = json.loads(run.report("results.json"))["regions"]["hi"]["tasks"][0]["systems"][
        "parent"
    ]
    assert parent["parsed_only"] == {"n": 0, "value": None, "interval": None}
    assert "0 (0-3) [-]*" in run.report("table.txt")


def test_replies_to_other_items_than_those_scored_are_refused(
    run: MadeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.items / "q/hi.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(' 7"', ' 8"'), encoding="utf-8")
    assert run.compare("suite=q", "regions=[hi]", "statistics.seed=2") == 2
    assert "is not the file that q-hi of parent was asked from" in capsys.readouterr().err


def test_items_that_are_not_there_stop_the_run_or_are_listed(
    run: MadeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.items / "q/hi.jsonl").rename(run.items / "q/xx.jsonl")
    for system in ("parent", "child-hi"):  # the items' file stands in their manifests
        assert (run.root / "x/generations" / system / "manifest.json").is_file()
    assert run.compare("suite=q", "regions=[hi]", "statistics.seed=2") == 2
    assert "or skip_missing=true to go on without" in capsys.readouterr().err
    assert run.compare("suite=q", "regions=[hi]", "statistics.seed=2", "skip_missing=true") == 4
    assert "items that are not there in hi" in run.report("results.json")
