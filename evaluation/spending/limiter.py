"""Keeps requests and tokens below what a vendor allows; halves on 429 and recovers slowly."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_BURST_SECONDS = 2.0
"""Of the rate, that may go out at once after a rest."""
_QUIET_SECONDS = 30.0
"""Without a 429, until the rate grows by a tenth."""
_GROWTH = 1.1
_SLOWEST = 1 / 64
"""Of the allowed rate."""
_SHORTEST_SECONDS = 1e-6
_SAME_STORM_SECONDS = 1.0
"""Several 429 at once are one: those in flight were all sent at the old rate."""


class Limiter:
    """Two token buckets, one of requests and one of tokens, that share their pace.

    Args:
        requests_per_minute: at most.
        tokens_per_minute: at most.
        clock: seconds that never go back.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float,
        tokens_per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._requests, self._tokens = requests_per_minute / 60, tokens_per_minute / 60
        self._clock, self._sleep = clock, sleep
        self.pace = 1.0
        """Share of the allowed rate that is used."""
        self._most_requests = max(1.0, self._requests * _BURST_SECONDS)
        self._most_tokens = self._tokens * _BURST_SECONDS
        self._requests_left, self._tokens_left = self._most_requests, self._most_tokens
        self._filled_at = self._changed_at = clock()
        self._turn = asyncio.Lock()

    async def wait(self, tokens: int) -> None:
        """Wait until one more request with so many tokens may go out.

        A request larger than the bucket goes out of a full one; the next then wait for it.
        """
        async with self._turn:  # first come, first served
            while (seconds := self._missing_seconds(tokens)) > _SHORTEST_SECONDS:
                await self._sleep(seconds)
            self._requests_left -= 1
            self._tokens_left -= tokens

    def slow_down(self) -> None:
        """Halve the pace: the vendor has said 429."""
        now = self._clock()
        self._fill(now)
        if self.pace == 1.0 or now - self._changed_at > _SAME_STORM_SECONDS:
            self.pace = max(_SLOWEST, self.pace / 2)
        self._changed_at = now
        self._requests_left = min(self._requests_left, 0.0)

    def _missing_seconds(self, tokens: int) -> float:
        self._fill(self._clock())
        wanted = min(tokens, self._most_tokens)
        requests = (1 - self._requests_left) / (self._requests * self.pace)
        return max(requests, (wanted - self._tokens_left) / (self._tokens * self.pace))

    def _fill(self, now: float) -> None:
        seconds = max(0.0, now - self._filled_at)
        self._filled_at = now
        requests, tokens = self._requests * self.pace, self._tokens * self.pace
        self._requests_left = min(self._most_requests, self._requests_left + seconds * requests)
        self._tokens_left = min(self._most_tokens, self._tokens_left + seconds * tokens)
        if self.pace < 1 and now - self._changed_at >= _QUIET_SECONDS:
            self.pace, self._changed_at = min(1.0, self.pace * _GROWTH), now
