"""Batches are created once, adopted after a kill, and read to their last line."""

import asyncio
from pathlib import Path

import pytest
from lokal.data.errors import RunError, UserError
from lokal.evaluation.retry import Again, Rejected
from lokal.evaluation.spending.engine import Outcome, ask_all, stop_batches
from lokal.evaluation.spending.journal import PaidJournal
from lokal.evaluation.spending.settings import Limits, SpendingConfig
from lokal.evaluation.vendors.question import Question
from lokal.evaluation.vendors.vendor import BatchState, BatchStatus

from .fake_vendor import PRICE, USAGE, FakeBatches, FakeVendor, questions

HALF = PRICE.usd(USAGE, batch=True)
SPENDING = SpendingConfig(cap_usd=10.0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def ask(
    folder: Path, batches: FakeBatches, asked: list[Question], *, cap: float = 10.0
) -> tuple[Outcome, FakeVendor]:
    vendor = FakeVendor(batches=batches)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    async def run() -> Outcome:
        with PaidJournal(folder, key="k") as journal:
            return await ask_all(
                vendor,
                asked,
                journal=journal,
                spending=SpendingConfig(cap_usd=cap),
                price=PRICE,
                limits=Limits(batch=True),
                sleep=sleep,
            )

    return asyncio.run(run()), vendor


def test_all_is_asked_in_batches_at_half_the_price_and_not_twice(tmp_path: Path) -> None:
    batches, asked = FakeBatches(), questions(250)
    outcome, vendor = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == 250
    assert [len(chunk) for chunk in batches.created.values()] == [100, 100, 50]
    assert vendor.calls == []
    assert outcome.spent_usd == pytest.approx(250 * HALF)
    ask(tmp_path, batches, asked)
    assert len(batches.created) == 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_creation_the_batch_is_adopted_and_no_second_one_made(
    tmp_path: Path, moment: str
) -> None:
    batches, asked = FakeBatches(), questions(30)
    create = batches.create

    async def killed(nonce: str, chunk: list[Question]) -> str:
        if moment == "after":
            await create(nonce, chunk)
        raise Killed

    batches.create = killed  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Killed):
        ask(tmp_path, batches, asked)
    batches.create = create
    outcome, vendor = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == 30
    assert len(batches.created) == 1
    assert vendor.calls == []
    assert outcome.spent_usd == pytest.approx(30 * HALF)
    assert outcome.held_usd == 0


def test_killed_while_it_is_read_no_line_is_counted_twice(tmp_path: Path) -> None:
    batches, asked = FakeBatches(), questions(30)
    results = batches.results

    async def killed(batch_id: str):
        async for number, row in _numbered(results(batch_id)):
            if number == 20:
                yield "a stranger", row[1]
            yield row

    batches.results = killed  # pyright: ignore[reportAttributeAccessIssue]
    journal_finish, done = PaidJournal.finish, 0

    def finish(self: PaidJournal, *args, **kwargs) -> None:
        nonlocal done
        done += 1
        if done == 12:
            raise Killed
        journal_finish(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PaidJournal, "finish", finish)
        with pytest.raises(Killed):
            ask(tmp_path, batches, asked)
    outcome, vendor = ask(tmp_path, batches, asked)
    assert (len(outcome.answers), len(batches.created), vendor.calls) == (30, 1, [])
    assert outcome.spent_usd == pytest.approx(30 * HALF)


def test_a_line_with_an_error_goes_back_and_a_rejected_one_does_not(tmp_path: Path) -> None:
    asked = questions(10)
    errors = {asked[2].key: Again("expired"), asked[3].key: Rejected("invalid_prompt: no")}
    batches = FakeBatches(error_of=errors)
    outcome, vendor = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == 9
    assert outcome.rejected == {asked[3].key: "invalid_prompt: no"}
    assert [len(chunk) for chunk in batches.created.values()] == [10, 1]
    assert vendor.calls == []


def test_fewer_results_than_questions_are_noticed_and_the_others_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, batches = questions(10), FakeBatches()
    batches.leave_out = {asked[4].key}
    outcome, _ = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == 10
    assert "has 9 results for 10 questions" in capsys.readouterr().err
    assert outcome.held_usd == pytest.approx(PRICE.worst_usd(asked[4], batch=True))


def test_what_three_batches_could_not_answer_is_asked_by_itself(tmp_path: Path) -> None:
    asked, batches = questions(5), FakeBatches()
    results, key = batches.results, asked[0].key

    async def failing(batch_id: str):
        async for found in results(batch_id):
            yield (key, Again("errored")) if found[0] == key else found

    batches.results = failing  # pyright: ignore[reportAttributeAccessIssue]
    outcome, vendor = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == 5
    assert len(batches.created) == 3
    assert vendor.calls == [key]


def test_a_batch_is_no_larger_than_the_cap_and_a_higher_cap_goes_on(tmp_path: Path) -> None:
    asked, batches = questions(50), FakeBatches()
    cap = 12.5 * PRICE.worst_usd(asked[0], batch=True)
    outcome, _ = ask(tmp_path, batches, asked, cap=cap)
    assert "the cap of" in outcome.stopped
    assert outcome.spent_usd <= cap
    assert 0 < len(outcome.answers) < 50
    outcome, _ = ask(tmp_path, batches, asked)
    assert len(outcome.answers) == sum(map(len, batches.created.values())) == 50


def test_a_batch_that_fails_as_a_whole_says_why_and_costs_nothing(tmp_path: Path) -> None:
    batches = FakeBatches()

    async def failed(batch_id: str) -> BatchStatus:
        return BatchStatus(BatchState.failed, 0, "too many tokens queued")

    batches.status = failed
    with pytest.raises(RunError, match="failed as a whole: too many tokens queued"):
        ask(tmp_path, batches, questions(5))
    with PaidJournal(tmp_path, key="k") as journal:
        assert (journal.num_open, journal.spent_usd, journal.lost_usd) == (0, 0, 0)


def test_a_refused_key_closes_the_batch_that_was_not_created(tmp_path: Path) -> None:
    batches = FakeBatches()

    async def refused(nonce: str, chunk: list[Question]) -> str:
        raise UserError("HTTP 401")

    batches.create = refused  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(UserError, match="HTTP 401"):
        ask(tmp_path, batches, questions(5))
    with PaidJournal(tmp_path, key="k") as journal:
        assert journal.open_batches() == []


def test_batches_are_cancelled_on_request_and_what_they_have_is_read_later(tmp_path: Path) -> None:
    batches, asked = FakeBatches(), questions(5)

    async def killed(batch_id: str) -> BatchStatus:
        raise Killed

    status, batches.status = batches.status, killed
    with pytest.raises(Killed):
        ask(tmp_path, batches, asked)
    batches.status = status
    with PaidJournal(tmp_path, key="k") as journal:
        vendor = FakeVendor(batches=batches)
        assert stop_batches(vendor, journal=journal, spending=SPENDING, price=PRICE) == 1
    assert batches.cancelled == ["batch-0"]
    assert len(ask(tmp_path, batches, asked)[0].answers) == 5


async def _numbered(rows):
    number = 0
    async for row in rows:
        yield number, row
        number += 1
