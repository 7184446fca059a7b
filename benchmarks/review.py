"""How large and how quick the pages of a large comparison are; run: python -m benchmarks.review.

Makes a run of 5,000 items and three systems in three languages, compares it, and measures in a
real Chromium: the report's size, first paint, a filter, a search, and the round trip of a vote.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from tests.browser import open_browser
from tests.evaluation.comparison.made_run import MadeRun
from tests.evaluation.review.served import ServedReview
from tests.evaluation.review.test_votes_survive import hidden

_TEXTS = {
    "id": "harga barang di pasar pagi naik karena hujan deras sejak kemarin sore",
    "hi": "ज़िला अस्पताल में मरीज़ों की क्‍षमता बढ़ाने के लिए नई इमारत बन रही है",
    "tl": "maraming tao ang pumunta sa palengke kahapon dahil mura ang mga gulay",
}
_FILTER = """name => {
    const field = document.querySelector(`[name=${name[0]}]`);
    field.value = name[1];
    const start = performance.now();
    field.dispatchEvent(new Event('input', {bubbles: true}));
    document.body.offsetHeight;  // layout included
    return performance.now() - start;
}"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    """Print one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--words", type=int, default=45, help="of a reply, on average")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = make_run(Path(folder), words.items, words.words)
        report = made.root / "x/report"
        size = sum(path.stat().st_size for path in report.rglob("*") if path.is_file())
        made_of = f"{words.items} items x 3 systems, replies of {words.words} words"
        print(f"{made_of}: report {size / 1e6:.1f} MB")
        measure_report(report)
        measure_votes(made, words.votes)


def make_run(folder: Path, count: int, length: int) -> MadeRun:
    """Return a compared run whose texts have the length of real chats."""
    made, drawn = MadeRun(folder), random.Random(0)
    share = {code: count // 3 + (place < count % 3) for place, code in enumerate(_TEXTS)}
    rows = {
        code: [{"id": f"q/{k}", "prompt": said(code, drawn, 30)} for k in range(share[code])]
        for code in _TEXTS
    }
    made.suite("q", rows, format="open", task="open", protect=["prompt"])
    for code in _TEXTS:
        for system in ("parent", f"child-{code}", "other"):
            replies = {f"q/{k}": said(code, drawn, length) for k in range(share[code])}
            made.replies(system, "q", code, replies)
    made.compare("suite=q", "regions=[id,hi,tl]", "baselines=[other]", gates=["script"])
    return made


def said(code: str, drawn: random.Random, length: int) -> str:
    """Return a text of so many words on average."""
    drawn_length = length // 2 + drawn.randrange(length)
    return " ".join(drawn.choices(_TEXTS[code].split(), k=drawn_length))


def measure_report(report: Path) -> None:
    """Print first paints, filters and a search, medians of five."""
    with open_browser() as browser:
        for name in ("index.html", "find.html", "items/hi-q-1.html"):
            times: list[float] = []
            for _ in range(5):
                page = browser.new_page()
                page.goto((report / name).as_uri())
                while not (painted := page.evaluate(_PAINT)):
                    page.wait_for_timeout(5)
                times.append(painted)
                page.close()
            print(f"first paint of {name}: {statistics.median(times):.0f} ms")
        page = browser.new_page()
        page.goto((report / "find.html").as_uri())
        choices = [["change", ""], ["region", "hi"], ["mark", "-"], ["mark", ""], ["region", ""]]
        found = [page.evaluate(_FILTER, choice) for _ in range(5) for choice in choices]
        print(f"filter: median {statistics.median(found):.0f} ms, slowest {max(found):.0f} ms")
        page.fill("[name=text]", "palengke")
        page.wait_for_timeout(2000)
        found = [page.evaluate(_FILTER, ["text", text]) for text in ("pasar", "क्‍षमता", "gulay")]
        print(f"search, texts loaded: slowest of three {max(found):.0f} ms")


def measure_votes(made: MadeRun, count: int) -> None:
    """Print the time from a vote to the next page, the sync to the disk included."""
    served = ServedReview(made, "suite=q", "+reviewers.hi=[asha]")
    served.start()
    link = served.links["asha"]
    headers = {"origin": link[: link.index("/r/")]}
    times: list[float] = []
    with httpx.Client(follow_redirects=True, trust_env=False, headers=headers) as client:
        page = client.get(link).text
        for _ in range(count):
            began = time.perf_counter()
            page = client.post(f"{link}vote", data=hidden(page) | {"choice": "a"}).text
            times.append(1000 * (time.perf_counter() - began))
    served.stop()
    times.sort()
    print(f"vote: median {statistics.median(times):.0f} ms, 95 % {times[int(0.95 * count)]:.0f} ms")


if __name__ == "__main__":
    main()
