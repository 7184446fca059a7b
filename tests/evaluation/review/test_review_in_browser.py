"""A reviewer's path through report and votes in a real browser, by keyboard."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ...browser import open_browser
from ..comparison.made_run import MadeRun
from ..report.payloads import PAYLOADS
from .served import ServedReview, made_review

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

SHOTS = os.environ.get("LOKAL_SCREENSHOTS")
"""Folder for pictures of the pages, as docs/ has them; none are made without it."""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Return one browser for all tests."""
    with open_browser() as made:
        yield made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedReview]:
    """Return the review of 40 open questions in three languages."""
    made = made_review(tmp_path_factory.mktemp("made"), 40)
    review = ServedReview(
        made,
        "suite=q",
        "+reviewers.hi=[asha,ravi]",
        "+reviewers.id=[budi]",
        "+reviewers.tl=[maria]",
        "schedule.overlap=1",
    )
    review.start()
    yield review
    review.stop()


def shoot(page: "Page", name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=name == "votes")


def press(page: "Page", key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def serious(page: "Page") -> list[str]:
    """Return what axe-core finds serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['nodes'][0]['html']}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def test_from_the_report_to_twenty_votes_and_their_export(
    served: ServedReview, browser: "Browser", tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(served.owner)
    page.click("text=All items")
    page.wait_for_selector("text=0 of 120 items")  # the script has run
    page.select_option("[name=change]", "")
    page.select_option("[name=region]", "hi")
    page.wait_for_selector("text=40 of 120 items")
    shoot(page, "items")
    page.click("#found li:first-child a")
    assert "hi-q-1" in page.url
    shoot(page, "item")
    page.goto(served.links["asha"])
    shoot(page, "vote")
    for key in "abtxabtabxabtabbatab":
        press(page, key)
    assert page.inner_text("header").startswith("asha")
    assert "20 of 4" in page.inner_text("header")
    press(page, "u")
    assert "19 of 4" in page.inner_text("header")
    page.goto(served.links["ravi"])
    for _ in range(20):
        press(page, "a")
    page.goto(served.owner)
    assert "Krippendorff" in page.inner_text("main")
    shoot(page, "votes")
    with page.expect_download() as download:
        page.click("text=votes.csv")
    download.value.save_as(tmp_path / "votes.csv")
    assert len((tmp_path / "votes.csv").read_text("utf-8").splitlines()) == 1 + 39
    page.close()


def test_marks_stand_on_whole_clusters_and_comments_stop_the_keys(
    served: ServedReview, browser: "Browser"
) -> None:
    page = browser.new_page()
    page.goto(served.links["maria"])
    for _ in range(3):
        press(page, "s")  # warm-up
    page.goto(served.links["asha"])
    select = """() => {
        const text = document.querySelector('.reply').firstChild;
        const range = document.createRange();
        range.setStart(text, 1);  // inside the first cluster: ज + nukta + vowel sign
        range.setEnd(text, 2);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
    }"""
    page.evaluate(select)
    page.keyboard.press("e")
    assert page.inner_text(".reply mark") == "ज़ि"
    page.keyboard.press("m")
    page.keyboard.type("abtx सही")
    assert page.input_value("[name=comment]") == "abtx सही"
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    assert page.is_checked("[value='other language']")
    press(page, "b")
    line = (served.folder / "votes.jsonl").read_text("utf-8").splitlines()[-1]
    assert '"spans": [[0, 0, 3]]' in line
    assert "abtx सही" in line
    page.close()


def test_the_back_button_and_a_second_tab_show_what_is_next(
    served: ServedReview, browser: "Browser"
) -> None:
    page, other = browser.new_page(), browser.new_page()
    page.goto(served.links["budi"])
    other.goto(served.links["budi"])
    press(page, "a")
    press(other, "b")
    assert "has its vote already" in other.inner_text("main")
    page.go_back()
    page.wait_for_load_state()
    assert "1 of" in page.inner_text("header")
    page.keyboard.press("a")
    page.keyboard.press("a")  # a double key
    page.wait_for_function("document.querySelector('header').innerText.includes('2 of')")
    page.close()
    other.close()


def test_every_page_can_be_used_by_keyboard_and_has_no_serious_barrier(
    served: ServedReview, browser: "Browser"
) -> None:
    found: list[str] = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        for link in (
            served.owner,
            f"{served.owner}report/index.html",
            f"{served.owner}report/find.html",
            f"{served.owner}report/items/hi-q-1.html",
            served.links["maria"],
        ):
            page.goto(link)
            found += [f"{scheme} {link}: {line}" for line in serious(page)]
        page.close()
    assert found == []
    page = browser.new_page()
    page.goto(served.links["maria"])
    names: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
    assert {"choice", "tags", "comment"} <= set(names)
    page.close()


def test_forty_payloads_show_no_dialog_and_send_nothing(tmp_path: Path, browser: "Browser") -> None:
    made = MadeRun(tmp_path)
    rows = [{"id": f"q/{k}{text}", "prompt": text} for k, text in enumerate(PAYLOADS)]
    hostile = "<img src=x onerror=alert(0)>"
    made.suite("q", {"hi": rows}, format="open", task="open", protect=["prompt"])
    for system, more in (("parent", ""), ("child-hi", " more"), (hostile, " other")):
        made.replies(system, "q", "hi", {row["id"]: row["prompt"] + more for row in rows})
    made.compare("suite=q", "regions=[hi]", f"baselines=['{hostile}']", gates=["script"])
    served = ServedReview(
        made,
        "suite=q",
        f"baselines=['{hostile}']",
        f"side_by_side=[child,parent,'{hostile}']",
        "+reviewers.hi=['<b onload=alert(1)>asha']",
        "schedule.repeats=0",
    )
    served.start()
    try:
        bad = _look_at_everything(served, made, browser)
    finally:
        served.stop()
    assert [url for url in bad if not url.startswith("file:")] == []


def _look_at_everything(served: ServedReview, made: MadeRun, browser: "Browser") -> list[str]:
    """Vote with every payload as a comment, open every page; return dialogs and requests out."""
    bad: list[str] = []
    page = browser.new_page()

    def note(dialog: "Dialog") -> None:
        bad.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    page.on("request", lambda r: None if r.url.startswith(served.owner[:21]) else bad.append(r.url))
    page.goto(served.links["<b onload=alert(1)>asha"])
    for text in PAYLOADS:
        page.fill("[name=comment]", text)
        page.keyboard.press("Escape")
        press(page, "a")
    pages = ["", "report/index.html", "report/find.html", "report/items/hi-q-1.html"]
    for name in pages:
        page.goto(f"{served.owner}{name}")
        page.wait_for_timeout(50)
    for name in pages[1:]:
        page.goto((made.root / "x/report" / name.removeprefix("report/")).as_uri())
    return bad
