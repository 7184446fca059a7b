"""The log of votes: nothing lost, nothing double, whatever ends the process."""

from dataclasses import replace
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.review.votes import Choice, SlotKind, Vote, VoteLog, read_votes

VOTE = Vote(
    slot="s1",
    kind=SlotKind.plain,
    reviewer="आशा",
    item="q/1",
    suite="q",
    region="hi",
    cluster="q/q/1",
    sides=("child", "parent"),
    choice=Choice.b,
    at="2026-01-01T00:00:00+00:00",
    comment="=1+1 क्‍षमा",
    spans=((0, 1, 4),),
    rubric={"a": ("0",)},
)


def test_a_vote_is_read_back_as_it_was(tmp_path: Path) -> None:
    with VoteLog(tmp_path) as log:
        assert log.add(VOTE)
    assert read_votes(tmp_path) == [VOTE]
    assert VOTE.winner == "parent"


def test_a_second_vote_on_a_slot_is_none_until_it_is_taken_back(tmp_path: Path) -> None:
    other = replace(VOTE, choice=Choice.a)
    with VoteLog(tmp_path) as log:
        assert log.add(VOTE)
        assert not log.add(other)
        assert log.add(replace(VOTE, undone=True))
        assert not log.add(replace(VOTE, undone=True))
        assert log.add(other)
    assert read_votes(tmp_path) == [other]
    assert len((tmp_path / "votes.jsonl").read_text("utf-8").splitlines()) == 3


def test_a_line_that_a_kill_cut_short_is_dropped_and_written_anew(tmp_path: Path) -> None:
    with VoteLog(tmp_path) as log:
        log.add(VOTE)
        log.add(replace(VOTE, slot="s2"))
    path = tmp_path / "votes.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert [vote.slot for vote in read_votes(tmp_path)] == ["s1"]
    with VoteLog(tmp_path) as log:
        assert log.add(replace(VOTE, slot="s3"))
    assert [vote.slot for vote in read_votes(tmp_path)] == ["s1", "s3"]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "votes.jsonl").write_text('{"slot": 1}\n{}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"votes.jsonl:1 is no vote .*remove the line"):
        read_votes(tmp_path)


def test_two_servers_do_not_write_one_log(tmp_path: Path) -> None:
    with (
        VoteLog(tmp_path),
        pytest.raises(UserError, match="in use by another server: stop it"),
    ):
        VoteLog(tmp_path)


def test_a_choice_needs_its_reply() -> None:
    with pytest.raises(ValueError, match="choice c of 2 replies"):
        replace(VOTE, choice=Choice.c)
