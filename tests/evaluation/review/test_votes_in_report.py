"""Votes stand in the comparison, and the pages beside it are there."""

from dataclasses import replace
from pathlib import Path

from lokal.evaluation.judge.votes import by_pair, double_voted, people_agree
from lokal.evaluation.judge.votes import read_votes as read_human_votes
from lokal.evaluation.review.export import to_judge_votes
from lokal.evaluation.review.votes import Choice, SlotKind, VoteLog, read_votes

from .served import ServedReview, made_review
from .test_agreement import vote


def test_votes_stand_in_the_report_and_make_it_anew(tmp_path: Path) -> None:
    made = made_review(tmp_path, 12, codes=["hi"])
    assert "What people preferred" not in made.report("index.html")
    with VoteLog(made.root / "x/review") as log:
        for number in range(10):
            for name in ("asha", "ravi"):
                log.add(vote(name, number, "a" if number % 2 else "b"))
        log.add(replace(vote("asha", 11, "a"), kind=SlotKind.golden, choice=Choice.b))
    made.compare("suite=q", "regions=[hi]", gates=["script"])
    page = made.report("index.html")
    assert "What people preferred" in page
    assert "<td>child</td><td>parent</td><td>10</td><td>0</td><td>10</td>" in page
    assert "<td>1.00<small>10 items</small></td><td>yes</td>" in page


def test_provenance_names_every_input_with_its_hash(tmp_path: Path) -> None:
    made = made_review(tmp_path, 5, codes=["tl"])
    page = made.report("provenance.html")
    assert "x/generations/child-tl" in page
    assert "q-tl.jsonl" in page
    assert str(tmp_path) not in page


def test_judges_read_the_export_as_votes_of_people(tmp_path: Path) -> None:
    votes = [vote(name, k, "a" if k % 2 else "b") for k in range(6) for name in ("asha", "ravi")]
    path = tmp_path / "judge-votes.jsonl"
    path.write_text(to_judge_votes(votes), encoding="utf-8")
    pairs = by_pair(read_human_votes(path), "hi")
    assert double_voted(pairs) == 6
    assert people_agree(pairs) == [True] * 6


def test_votes_of_an_earlier_review_are_taken_over_once(tmp_path: Path) -> None:
    made = made_review(tmp_path, 8, codes=["hi"])
    with VoteLog(tmp_path / "old") as log:
        for number in range(4):
            log.add(vote("asha", number, "a"))
    words = ["suite=q", "+reviewers.hi=[ravi]", f"import_votes={tmp_path / 'old/votes.jsonl'}"]
    for _ in range(2):
        served = ServedReview(made, *words)
        served.start()
        served.stop()
    assert [one.reviewer for one in read_votes(made.root / "x/review")] == ["asha"] * 4
