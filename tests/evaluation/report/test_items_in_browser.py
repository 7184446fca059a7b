"""The list of all items and its pages, opened from disk in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ...browser import open_browser
from ..comparison.made_run import MadeRun

if TYPE_CHECKING:
    from playwright.sync_api import Page

LABELS = ["sports", "health"]
TEXTS = {"id": "Pasar pagi", "hi": "ज़िला अस्पताल, क्‍षमा", "tl": "Kumain na po"}
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report on 120 items in each of three languages; the child loses every third."""
    made = MadeRun(tmp_path_factory.mktemp("made"))
    rows = {
        code: [{"id": f"q/{k}", "text": f"{text} {k}", "label": LABELS[k % 2]} for k in range(120)]
        for code, text in TEXTS.items()
    }
    made.suite("q", rows, format="label", task="topic", labels=LABELS)
    for code in TEXTS:
        right = {f"q/{k}": LABELS[k % 2] for k in range(120)}
        child = {
            key: HOSTILE if k % 3 == 0 else said for k, (key, said) in enumerate(right.items())
        }
        made.replies("parent", "q", code, right)
        made.replies(f"child-{code}", "q", code, child)
    made.compare("suite=q", "regions=[id,hi,tl]")
    return made.root / "x/report"


@pytest.fixture(scope="module")
def page() -> Iterator["Page"]:
    """Return a page that counts dialogs and requests that leave the disk."""
    with open_browser() as browser:
        yield browser.new_page()


def test_filters_search_and_opens_an_item(report: Path, page: "Page") -> None:
    outside: list[str] = []
    page.on("request", lambda r: None if r.url.startswith("file:") else outside.append(r.url))
    page.on("dialog", lambda dialog: outside.append(dialog.message))
    page.goto((report / "find.html").as_uri())
    assert page.inner_text("#count") == "120 of 360 items"
    page.select_option("[name=region]", "hi")
    assert page.inner_text("#count") == "40 of 360 items"
    page.select_option("[name=change]", "")
    page.fill("[name=text]", "क्‍षमा 11")  # 11 and 110 to 119
    page.wait_for_function("document.getElementById('count').textContent.startsWith('11 of')")
    page.fill("[name=text]", "")
    page.select_option("[name=change]", "lost")
    page.click("#found li:first-child a")
    assert page.url.endswith("items/hi-q-1.html#hi-q-1")
    assert page.inner_text("#hi-q-1 .chip") == "RLO"
    assert outside == []


def test_a_link_with_filters_opens_the_list_so(report: Path, page: "Page") -> None:
    page.goto((report / "index.html").as_uri())
    page.click("a[href^='find.html#region=id'] >> nth=0")
    page.wait_for_selector("text=40 of 360 items")
    assert "find.html#region=id" in page.url
    page.select_option("[name=change]", "won")
    assert page.inner_text("#count") == "0 of 360 items"
    assert "change=won" in page.url


def test_devanagari_has_its_typeface_from_the_report(report: Path, page: "Page") -> None:
    page.goto((report / "items/hi-q-1.html").as_uri())
    page.evaluate("document.fonts.ready")
    loaded = "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.unicodeRange)"
    assert any("U+900" in span.upper().replace("U+0900", "U+900") for span in page.evaluate(loaded))
