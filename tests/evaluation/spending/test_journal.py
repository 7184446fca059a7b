"""The paid journal outlives kills, has one writer, and loses no committed row."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.spending.journal import PaidJournal

from .fake_vendor import USD, answer, questions

_WRITER = """
import sys
from lokal.evaluation.spending.journal import PaidJournal
from lokal.evaluation.reply import State
from lokal.evaluation.vendors.question import Answer, Question, Usage
from pathlib import Path
with PaidJournal(Path(sys.argv[1]), key="k") as journal:
    number = len(journal.answers())
    print("open", number, flush=True)
    while True:
        question = Question(f"{number:064d}", [], 8, "hi")
        intent = journal.intend(question.key, reserved_usd=1.0)
        text = "क़लम " * 200
        journal.finish(intent, question, Answer(text, State.ok, "m", Usage(1, 1)), usd=0.5)
        print(number, flush=True)
        number += 1
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )


def kill_after(folder: Path, *, seconds: float) -> int:
    """Kill a writer some time after its first row; return how many rows it said were written."""
    writer = start_writer(folder)
    assert writer.stdout is not None
    first = writer.stdout.readline().split()
    assert first[:1] == ["open"], writer.communicate()[1]
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    said = [line for line in writer.communicate()[0].split("\n") if line]
    return int(said[-1]) + 1 if said else int(first[1])


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.proof)])
def test_killed_in_a_write_it_opens_and_holds_every_row_that_was_said(
    tmp_path: Path, kills: int
) -> None:
    random = Random(7)
    for _ in range(kills):
        said = kill_after(tmp_path, seconds=random.uniform(0.05, 0.3))
        with PaidJournal(tmp_path, key="k") as journal:
            held = len(journal.answers())
            # What was said is there; at most the row in hand is there without being said.
            assert said <= held <= said + 1
            assert journal.spent_usd == pytest.approx(0.5 * held)
            assert journal.num_open == 0
    assert sqlite3.connect(tmp_path / "journal.sqlite.partial").execute(
        "PRAGMA integrity_check"
    ).fetchone() == ("ok",)


def test_a_second_process_is_refused_in_one_line_and_the_first_goes_on(tmp_path: Path) -> None:
    with PaidJournal(tmp_path, key="k") as journal:
        second = start_writer(tmp_path)
        assert "is being written by another process: wait" in second.communicate(timeout=30)[1]
        question = questions(1)[0]
        intent = journal.intend(question.key, reserved_usd=1.0)
        journal.finish(intent, question, answer(question), usd=USD)
    with PaidJournal(tmp_path, key="k") as journal:
        assert journal.answers() == {question.key: answer(question)}


def test_a_request_of_a_killed_process_is_held_as_perhaps_billed(tmp_path: Path) -> None:
    journal = PaidJournal(tmp_path, key="k")
    journal.intend("q", reserved_usd=0.25)
    journal.close()  # a kill leaves the same row
    with PaidJournal(tmp_path, key="k") as journal:
        assert (journal.num_open, journal.num_lost) == (0, 1)
        assert journal.lost_usd == pytest.approx(0.25)
        assert journal.spent_usd == 0


def test_an_answer_and_its_cost_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    question = questions(1)[0]
    with PaidJournal(tmp_path, key="k") as journal:
        intent = journal.intend(question.key, reserved_usd=1.0)
        with pytest.raises(sqlite3.IntegrityError):
            journal.finish(intent, question, answer(question), usd=None)  # pyright: ignore[reportArgumentType]
        assert journal.answers() == {}
        assert journal.spent_usd == 0


def test_another_systems_journal_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    PaidJournal(tmp_path, key="k").close()
    with pytest.raises(UserError, match="of another model or of other settings"):
        PaidJournal(tmp_path, key="other")
    (tmp_path / "journal.sqlite.partial").write_bytes(b"no data base " * 100)
    with pytest.raises(UserError, match="is damaged"):
        PaidJournal(tmp_path, key="k")


def test_a_sealed_journal_takes_nothing_more_and_no_key_stands_in_it(tmp_path: Path) -> None:
    with PaidJournal(tmp_path, key="k") as journal:
        journal.seal()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.sqlite"]
    with pytest.raises(UserError, match="is sealed"):
        PaidJournal(tmp_path, key="k")
