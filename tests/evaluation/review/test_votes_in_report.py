"""Votes stand in the comparison, and the pages beside it are there."""

from dataclasses import replace
from pathlib import Path

from lokal.evaluation.review.votes import Choice, SlotKind, VoteLog

from .served import made_review
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
