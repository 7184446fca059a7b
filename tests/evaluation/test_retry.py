"""Requests that fail are sent again as politely as the service asks, and not for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest
from lokal.data.errors import RunError
from lokal.evaluation.retry import Again, Exhausted, Rejected, Retries, status_error


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def retries(time: Time, *, total: float = 900, parallel: int = 1) -> Retries:
    return Retries(
        total_seconds=total,
        parallel=parallel,
        random=Random(0),
        clock=time.clock,
        sleep=time.sleep,
    )


def failing(*errors: Exception | None) -> Callable[[], Awaitable[str]]:
    """Return a request that fails so and then succeeds."""
    left = list(errors)

    async def send() -> str:
        if left and (error := left.pop(0)) is not None:
            raise error
        return "done"

    return send


@pytest.mark.parametrize(
    ("status", "kind"),
    [(code, Again) for code in (408, 409, 425, 429, 500, 502, 503, 504, 529)]
    + [(code, Rejected) for code in (400, 413, 422)]
    + [(code, type(None)) for code in (301, 401, 402, 403, 404, 405)],
)
def test_a_status_means_again_this_item_or_the_run(status: int, kind: type) -> None:
    assert type(status_error(status, "why", retry_after=None)) is kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("7", 7), ("2.5", 2.5), ("-3", 0), ("soon", 0), ("", 0)],
)
def test_the_wait_that_a_service_asks_for_is_read(header: str | None, seconds: float) -> None:
    error = status_error(429, "why", retry_after=header)
    assert isinstance(error, Again)
    assert error.after_seconds == seconds


def test_the_wait_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = status_error(503, "why", retry_after=date)
    assert isinstance(error, Again)
    assert error.after_seconds == pytest.approx(90, abs=5)


def test_waits_double_up_to_a_minute_and_are_drawn_below_that() -> None:
    time = Time()
    assert asyncio.run(retries(time).call(failing(*[Again("x")] * 12))) == "done"
    tops = [min(2.0**number, 60) for number in range(12)]
    assert all(0 <= wait <= top for wait, top in zip(time.slept, tops, strict=True))
    assert len(set(time.slept)) == 12
    assert max(time.slept) > 30


def test_the_services_own_wait_is_obeyed_within_a_tenth() -> None:
    time = Time()
    assert asyncio.run(retries(time).call(failing(Again("x", after_seconds=100)))) == "done"
    assert 100 <= time.now <= 110


def test_what_one_is_told_holds_for_all() -> None:
    time = Time()
    sent: list[float] = []

    async def run() -> None:
        shared = retries(time, parallel=3)

        async def ask(*errors: Exception | None) -> None:
            send = failing(*errors)

            async def noted() -> str:
                sent.append(time.now)
                return await send()

            await shared.call(noted)

        await ask(Again("x", after_seconds=0.5))
        sent.clear()
        await asyncio.gather(ask(Again("x", after_seconds=30)), ask(), ask())

    asyncio.run(run())
    assert len(sent) == 4
    assert sum(at >= 30 for at in sent) >= 3


def test_an_item_is_given_up_when_its_time_is_over() -> None:
    time = Time()
    with pytest.raises(Exhausted, match="x"):
        asyncio.run(retries(time, total=40).call(failing(*[Again("x")] * 19)))
    assert time.now <= 40


def test_a_wait_beyond_the_items_time_is_not_begun() -> None:
    time = Time()
    with pytest.raises(Exhausted):
        asyncio.run(retries(time, total=60).call(failing(Again("x", after_seconds=3600))))
    assert time.slept == []


@pytest.mark.parametrize("parallel", [1, 3])
def test_twenty_failures_in_a_row_for_each_request_in_flight_end_the_run(parallel: int) -> None:
    time = Time()
    shared = retries(time, total=1e9, parallel=parallel)
    many = failing(*[Again("HTTP 500: out")] * 20 * parallel)
    with pytest.raises(RunError, match=f"^{20 * parallel} requests in a row have failed"):
        asyncio.run(shared.call(many))


def test_a_success_begins_the_row_anew() -> None:
    shared = retries(Time(), total=1e9)
    for _ in range(3):
        assert asyncio.run(shared.call(failing(*[Again("x")] * 19))) == "done"


def test_a_rejection_is_passed_on_at_once() -> None:
    time = Time()
    with pytest.raises(Rejected):
        asyncio.run(retries(time).call(failing(Rejected("too long"))))
    assert time.slept == []
