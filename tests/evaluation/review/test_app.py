"""The pages without a browser: who gets in, what is told when, and that nothing is double."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from lokal.data.errors import UserError
from lokal.evaluation.review.app import make_app
from lokal.evaluation.review.desk import Desk
from lokal.evaluation.review.settings import ScheduleConfig

from .made_cases import made_case, made_cases

HOST = "127.0.0.1:8765"
HOSTILE = "</textarea><script>alert(1)</script>\u202e"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return the desk of one Hindi reviewer and one for Indonesian."""
    made = Desk(
        tmp_path / "review",
        [*made_cases("hi", 20), *made_cases("id", 8)],
        reviewers={"hi": ["asha"], "id": ["budi"]},
        systems=["child", "parent"],
        config=ScheduleConfig(warm_up=1),
    )
    with made.log:
        yield made


@pytest.fixture
def client(desk: Desk) -> TestClient:
    """Return a browser that speaks to the right host from the right page."""
    app = make_app(
        desk, made_cases("hi", 20), hosts=[HOST], now=lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    client = TestClient(app, base_url=f"http://{HOST}", follow_redirects=True)
    client.headers["origin"] = f"http://{HOST}"
    return client


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the voting form."""
    form = page[page.index('id="vote"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def vote(client: TestClient, desk: Desk, choice: str, **more: str | list[str]) -> str:
    """Vote on what is shown; return the next page."""
    link = f"/r/{desk.token('asha')}/"
    sent = fields(client.get(link).text) | {"choice": choice} | more
    return client.post(f"{link}vote", data=sent).text


def test_names_are_told_only_after_the_vote(client: TestClient, desk: Desk) -> None:
    vote(client, desk, "skip")  # the warm-up
    before = client.get(f"/r/{desk.token('asha')}/").text
    shown = before[before.index("<section") :]
    assert "child" not in shown
    assert "parent" not in shown
    assert re.search(
        r"A was (child|parent), B was (child|parent); you said a", vote(client, desk, "a")
    )


def test_a_vote_sent_twice_or_from_an_old_tab_counts_once(client: TestClient, desk: Desk) -> None:
    link = f"/r/{desk.token('asha')}/"
    sent = fields(client.get(link).text)
    assert "1 of" in client.post(f"{link}vote", data=sent | {"choice": "a"}).text
    page = client.post(f"{link}vote", data=sent | {"choice": "b"}).text
    assert "has its vote already" in page
    assert [one.choice for one in desk.log.votes.values()] == ["a"]


def test_undo_takes_back_the_vote_that_was_seen_and_no_other(
    client: TestClient, desk: Desk
) -> None:
    page = vote(client, desk, "a")
    vote(client, desk, "b")
    old = re.findall(r'action="undo".*?name="key" value="(\w+)"', page)[0]
    link = f"/r/{desk.token('asha')}/"
    client.post(f"{link}undo", data={"key": old})
    assert len(desk.log.votes) == 2
    new = re.findall(r'action="undo".*?name="key" value="(\w+)"', client.get(link).text)[0]
    client.post(f"{link}undo", data={"key": new})
    client.post(f"{link}undo", data={"key": new})
    assert [one.choice for one in desk.log.votes.values()] == ["a"]


def test_all_of_a_vote_is_kept(client: TestClient, desk: Desk) -> None:
    more = {
        "tags": ["unsafe", "cut off"],
        "comment": HOSTILE,
        "spans": "[[0,1,3]]",
        "seconds": "4.26",
    }
    page = vote(client, desk, "tie", **more, **{"rubric-a": ["0", "1"]})
    (kept,) = desk.log.votes.values()
    assert kept.tags == ("unsafe", "cut off")
    assert kept.comment == HOSTILE
    assert kept.spans == ((0, 1, 3),)
    assert kept.rubric == {"a": ("0", "1")}
    assert kept.seconds == 4.3
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"headers": {"origin": "http://evil.example"}}, 403),
        ({"headers": {"origin": "null"}}, 403),
        ({"headers": {"host": "evil.example"}}, 421),
        ({"data": {"key": "0" * 64}}, 403),
        ({"data": {"choice": "c"}}, 400),
        ({"data": {"choice": "z"}}, 400),
        ({"data": {"spans": "[[0,5,2]]"}}, 400),
        ({"data": {"spans": "{"}}, 400),
        ({"data": {"tags": "made up"}}, 400),
    ],
)
def test_what_is_not_from_this_page_or_does_not_fit_is_refused(
    client: TestClient, desk: Desk, wrong: dict, status: int
) -> None:
    link = f"/r/{desk.token('asha')}/"
    sent = fields(client.get(link).text) | {"choice": "a"} | wrong.get("data", {})
    found = client.post(f"{link}vote", data=sent, headers=wrong.get("headers"))
    assert found.status_code == status
    assert desk.log.votes == {}


def test_without_the_right_link_there_is_nothing(client: TestClient, desk: Desk) -> None:
    for path in ("/", "/r/asha/", f"/o/{desk.token('asha')}/", f"/r/{desk.token('')}/", "/docs"):
        assert client.get(path).status_code == 404


def test_every_page_carries_the_policy(client: TestClient, desk: Desk) -> None:
    for path in (f"/r/{desk.token('asha')}/", f"/o/{desk.token('')}/", "/static/vote.js"):
        headers = client.get(path).headers
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_owner_sees_votes_and_every_export(client: TestClient, desk: Desk) -> None:
    for choice in "abab":
        vote(client, desk, choice)
    owner = f"/o/{desk.token('')}/"
    page = client.get(owner).text
    assert "asha" in page
    for name in re.findall(r'href="export/([^"]+)"', page):
        assert client.get(f"{owner}export/{name}").content, name


def test_a_report_outside_its_folder_is_not_served(tmp_path: Path, desk: Desk) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("hello")
    (tmp_path / "secret").write_text("no")
    app = make_app(
        desk, [], hosts=[HOST], now=lambda: datetime(2026, 1, 1, tzinfo=UTC), report=report
    )
    client = TestClient(app, base_url=f"http://{HOST}")
    owner = f"/o/{desk.token('')}/report"
    assert client.get(f"{owner}/index.html").text == "hello"
    assert client.get(f"{owner}/..%2fsecret").status_code == 404
    assert client.get(f"{owner}/../secret").status_code == 404


def test_a_new_start_goes_on_with_the_same_links(
    tmp_path: Path, desk: Desk, client: TestClient
) -> None:
    vote(client, desk, "a")
    desk.log.close()
    again = Desk(
        tmp_path / "review",
        [*made_cases("hi", 20), *made_cases("id", 8)],
        reviewers={"hi": ["asha"], "id": ["budi"]},
        systems=["child", "parent"],
        config=ScheduleConfig(warm_up=1),
    )
    with again.log:
        assert again.token("asha") == desk.token("asha")
        assert again.progress("asha").done == 1
    assert (tmp_path / "review/.secret").stat().st_mode & 0o777 == 0o600


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no item has different replies of child and parent"):
        Desk(
            tmp_path,
            [made_case("id", 0, child="ya", parent="ya")],
            reviewers={"id": ["budi"]},
            systems=["child", "parent"],
            config=ScheduleConfig(),
        )
