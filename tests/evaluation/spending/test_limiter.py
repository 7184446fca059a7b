"""The pace stays below the vendor's limits, halves on 429 and comes back slowly."""

import asyncio

import pytest
from lokal.evaluation.spending.limiter import Limiter


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def limiter(time: Time, *, requests: int = 60, tokens: int = 10**9) -> Limiter:
    return Limiter(
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        clock=time.clock,
        sleep=time.sleep,
    )


def seconds_for(time: Time, limits: Limiter, *, number: int, tokens: int = 1) -> float:
    began = time.now

    async def run() -> None:
        for _ in range(number):
            await limits.wait(tokens)

    asyncio.run(run())
    return time.now - began


def test_requests_keep_to_their_rate_after_a_short_burst() -> None:
    time = Time()
    assert seconds_for(time, limiter(time), number=62) == pytest.approx(60, abs=0.01)


def test_tokens_keep_to_their_rate_and_one_larger_than_the_bucket_still_goes_out() -> None:
    time = Time()
    limits = limiter(time, requests=10**6, tokens=6000)
    assert seconds_for(time, limits, number=10, tokens=600) == pytest.approx(54, abs=0.1)
    assert seconds_for(time, limits, number=2, tokens=6000) < 130


def test_a_storm_of_429_halves_once_and_the_pace_comes_back_slowly() -> None:
    time = Time()
    limits = limiter(time, requests=600)
    for _ in range(8):
        limits.slow_down()
    assert limits.pace == 0.5
    assert seconds_for(time, limits, number=100) == pytest.approx(20, abs=0.5)
    time.now += 11
    asyncio.run(limits.wait(1))
    assert limits.pace == pytest.approx(0.55)
    for _ in range(20):
        time.now += 30
        asyncio.run(limits.wait(1))
    assert limits.pace == 1.0


def test_a_clock_that_jumps_back_stops_nothing() -> None:
    time = Time()
    limits = limiter(time)
    seconds_for(time, limits, number=5)
    time.now -= 3600
    assert seconds_for(time, limits, number=10) < 20
