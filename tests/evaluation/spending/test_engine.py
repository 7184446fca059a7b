"""Paid questions are each answered once, kept, counted and stopped in time."""

from pathlib import Path

import pytest
from lokal.data.errors import RunError, UserError
from lokal.evaluation.reply import State
from lokal.evaluation.retry import Again, Rejected
from lokal.evaluation.spending.engine import Outcome, ask_paid
from lokal.evaluation.spending.journal import PaidJournal
from lokal.evaluation.spending.settings import Limits, SpendingConfig
from lokal.evaluation.vendors.question import Question

from .fake_vendor import PRICE, USD, FakeVendor, questions

FAST = Limits(parallel=8, requests_per_minute=10_000_000, tokens_per_minute=10_000_000_000)


def ask(
    folder: Path, vendor: FakeVendor, asked: list[Question], *, cap: float = 10.0, parallel: int = 8
) -> Outcome:
    limits = Limits(
        parallel=parallel,
        requests_per_minute=FAST.requests_per_minute,
        tokens_per_minute=FAST.tokens_per_minute,
    )
    with PaidJournal(folder, key="k") as journal:
        return ask_paid(
            vendor,
            asked,
            journal=journal,
            spending=SpendingConfig(cap_usd=cap),
            price=PRICE,
            limits=limits,
        )


def test_every_question_is_asked_once_and_a_second_run_asks_none(tmp_path: Path) -> None:
    asked = questions(20)
    first = FakeVendor(seconds=0.001)
    outcome = ask(tmp_path, first, asked)
    assert set(outcome.answers) == {question.key for question in asked}
    assert len(first.calls) == len(set(first.calls)) == 20
    assert first.most_in_flight == 8
    assert outcome.spent_usd == pytest.approx(20 * USD)
    second = FakeVendor()
    assert ask(tmp_path, second, asked) == outcome
    assert second.calls == []


@pytest.mark.parametrize("number", [200, pytest.param(1000, marks=pytest.mark.proof)])
def test_one_poison_question_is_quarantined_and_not_asked_again(
    tmp_path: Path, number: int
) -> None:
    asked = questions(number)
    poison = asked[number // 2].key

    def fault(call: int, question: Question) -> Exception | None:
        return Rejected("HTTP 400: too long") if question.key == poison else None

    vendor = FakeVendor(fault=fault)
    outcome = ask(tmp_path, vendor, asked)
    assert (len(outcome.answers), outcome.rejected, outcome.open) == (
        number - 1,
        {poison: "HTTP 400: too long"},
        [],
    )
    assert len(vendor.calls) == number
    again = FakeVendor()
    ask(tmp_path, again, asked)
    assert again.calls == []


def test_a_vendor_that_rejects_everything_stops_and_quarantines_nothing(tmp_path: Path) -> None:
    vendor = FakeVendor(fault=lambda number, question: Rejected("HTTP 400: no such parameter"))
    with pytest.raises(RunError, match=r"20 questions in a row were rejected.*no such parameter"):
        ask(tmp_path, vendor, questions(50))
    assert len(vendor.calls) < 20 + 8
    assert len(ask(tmp_path, FakeVendor(), questions(50)).answers) == 50


@pytest.mark.parametrize("reason", ["HTTP 401: bad key", "HTTP 404: no such model"])
def test_a_refused_key_or_model_in_mid_run_stops_within_two_calls(
    tmp_path: Path, reason: str
) -> None:
    refused: list[int] = []
    vendor = FakeVendor(seconds=0.001)

    def fault(number: int, question: Question) -> Exception | None:
        if number < 50:
            return None
        refused.append(len(vendor.calls))
        return UserError(reason)

    vendor.fault = fault
    with pytest.raises(UserError, match=reason):
        ask(tmp_path, vendor, questions(200))
    assert len(vendor.calls) - refused[0] <= 2
    assert len(ask(tmp_path, FakeVendor(), questions(200)).answers) == 200


def test_the_first_answer_of_another_model_is_said_and_all_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = ask(tmp_path, FakeVendor(returns="fake-0.5"), questions(12))
    assert {answer.state for answer in outcome.answers.values()} == {State.wrong_model}
    assert capsys.readouterr().err.count("fake-1 was asked and fake-0.5 answers") == 1


def test_a_dated_snapshot_of_the_asked_model_is_that_model(tmp_path: Path) -> None:
    outcome = ask(tmp_path, FakeVendor(returns="fake-1-2026-01-31"), questions(3))
    assert {answer.state for answer in outcome.answers.values()} == {State.ok}


def test_failures_that_pass_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    def fault(number: int, question: Question) -> Exception | None:
        return Again("HTTP 503", status=503, after_seconds=0.001) if number % 3 == 0 else None

    vendor = FakeVendor(fault=fault)
    outcome = ask(tmp_path, vendor, questions(60))
    assert len(outcome.answers) == vendor.billed == 60
    assert outcome.held_usd == 0
    assert outcome.spent_usd == pytest.approx(60 * USD)


def test_half_the_money_is_never_passed_and_a_higher_cap_goes_on(tmp_path: Path) -> None:
    asked = questions(100)
    cap = 50 * USD
    first = FakeVendor(seconds=0.001)
    outcome = ask(tmp_path, first, asked, cap=cap)
    assert "the cap of" in outcome.stopped
    assert 0 < first.billed * USD <= cap
    assert outcome.spent_usd == pytest.approx(first.billed * USD)
    assert len(outcome.open) == 100 - first.billed
    second = FakeVendor()
    outcome = ask(tmp_path, second, asked, cap=1.0)
    assert not outcome.stopped
    assert not outcome.open
    assert first.billed + second.billed == 100


def test_the_ceiling_of_the_environment_wins_over_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKAL_COST_CEILING_USD", str(10 * USD))
    vendor = FakeVendor()
    ask(tmp_path, vendor, questions(100), cap=100)
    assert vendor.billed * USD <= 10 * USD
    monkeypatch.setenv("LOKAL_COST_CEILING_USD", "ten")
    with pytest.raises(UserError, match="LOKAL_COST_CEILING_USD must be an amount"):
        ask(tmp_path, FakeVendor(), questions(100))


def test_a_reply_that_was_lost_is_held_against_the_cap(tmp_path: Path) -> None:
    def fault(number: int, question: Question) -> Exception | None:
        return Again("reset", after_seconds=0.001) if number == 1 else None

    asked = questions(1)
    outcome = ask(tmp_path, FakeVendor(fault=fault), asked)
    assert outcome.held_usd == pytest.approx(PRICE.worst_usd(asked[0]))
    assert outcome.spent_usd == pytest.approx(USD)
