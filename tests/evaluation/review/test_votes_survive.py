"""Votes over real connections, with refreshes, double keys, two tabs and kills."""

import json
import re
import threading
from pathlib import Path
from random import Random

import httpx
import pytest

from .served import ServedReview, made_review

CHOICES = ["a", "b", "tie", "bad", "skip"]


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the voting form; nothing where all is done."""
    place = page.find('id="vote"')
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page[place:])
    return dict(found) if place >= 0 else {}


class Voter(threading.Thread):
    """A reviewer with two tabs and shaky fingers, who votes until his row is done."""

    def __init__(self, link: str, seed: int, most: int) -> None:
        super().__init__()
        self.link, self.random, self.most = link, Random(seed), most
        self.confirmed: dict[str, str] = {}
        """What the server had answered for: slot and choice."""
        self.error: Exception | None = None

    def run(self) -> None:
        """Vote; a lost connection is answered as a person does, by opening the link again."""
        try:
            with httpx.Client(timeout=30, trust_env=False) as self.client:
                while len(self.confirmed) < self.most:
                    try:
                        if not self.step():
                            return
                    except httpx.TransportError:
                        threading.Event().wait(0.2)
        except Exception as error:  # shown by the test, which runs in another thread
            self.error = error

    def step(self) -> bool:
        """Vote once, with an accident now and then; return False when all is done."""
        sent = hidden(self.client.get(self.link).text)
        if not sent:
            return False
        old = dict(sent)
        choice = self.random.choice(CHOICES)
        headers = {"origin": self.link[: self.link.index("/r/")]}
        found = self.post("vote", sent | {"choice": choice}, headers)
        if found is not None:
            self.confirmed[sent["slot"]] = choice
        if self.random.random() < 0.2:  # the key twice, or the old tab
            self.post("vote", old | {"choice": self.random.choice(CHOICES)}, headers)
        if self.random.random() < 0.2:
            self.client.get(self.link)
        if self.random.random() < 0.1 and (page := self.client.get(self.link).text):
            for key in re.findall(r'action="undo".*?name="key" value="(\w+)"', page):
                if self.post("undo", {"key": key}, headers) is not None:
                    self.confirmed.pop(sent["slot"], None)
        return True

    def post(self, what: str, data: dict[str, str], headers: dict[str, str]) -> str | None:
        """Return where the answer leads, or None for a vote that was there already."""
        found = self.client.post(f"{self.link}{what}", data=data, headers=headers)
        assert found.status_code == 303, found.text
        place = found.headers["location"]
        return None if "seen" in place else place


def run_voters(folder: Path, *, items: int, reviewers: int, kills: int) -> tuple[int, int]:
    """Let reviewers vote on all items while the server is killed; return votes and lines."""
    names = [f"r{k}" for k in range(reviewers)]
    made = made_review(folder, items, codes=["hi"])
    served = ServedReview(
        made, "suite=q", f"+reviewers.hi=[{','.join(names)}]", "schedule.overlap=1"
    )
    served.start()
    try:
        voters = [Voter(served.links[name], seed, 10**6) for seed, name in enumerate(names)]
        for voter in voters:
            voter.start()
        for kill in range(kills):
            wanted = (kill + 1) * items * reviewers // (kills + 2)
            while sum(len(voter.confirmed) for voter in voters) < wanted:
                threading.Event().wait(0.05)
            served.kill()
            served.start()
        for voter in voters:
            voter.join()
    finally:
        served.stop()
    assert [voter.error for voter in voters if voter.error] == []
    lines = [json.loads(line) for line in (served.folder / "votes.jsonl").open(encoding="utf-8")]
    standing: dict[str, str] = {}
    for line in lines:
        if line["undone"]:
            del standing[line["slot"]]  # fails where an undo has no vote
        else:
            assert line["slot"] not in standing, "a double vote"
            standing[line["slot"]] = line["choice"]
    confirmed = {slot: said for voter in voters for slot, said in voter.confirmed.items()}
    assert set(confirmed) <= set(standing), "a lost vote"
    assert {slot: standing[slot] for slot in confirmed} == confirmed
    # What is there and was not confirmed is a vote whose answer a kill cut off.
    assert len(set(standing) - set(confirmed)) <= kills * reviewers
    return len(standing), len(lines)


def test_no_vote_is_lost_or_double_whatever_the_reviewer_and_the_server_do(tmp_path: Path) -> None:
    votes, lines = run_voters(tmp_path, items=90, reviewers=3, kills=1)
    assert votes >= 300
    assert lines > votes  # undos


@pytest.mark.proof
def test_ten_thousand_votes_with_two_kills_lose_and_double_none(tmp_path: Path) -> None:
    votes, lines = run_voters(tmp_path, items=2300, reviewers=4, kills=2)
    print(f"{votes} votes, {lines} lines, 2 kills")
    assert votes >= 10_000
