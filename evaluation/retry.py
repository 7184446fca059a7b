"""Asks a service again where that can help, and stops where it does not; the only retry layer.

What a failure means is said by its class: ``Again`` may pass, ``Rejected`` never will for this one
item, and anything else ends the run.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import TypeVar

from ..data.errors import RunError, UserError
from ..data.progress import say

T = TypeVar("T")

_PASSING = frozenset({408, 409, 425, 429})
_OF_ONE_ITEM = frozenset({400, 413, 422})
_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
"""Of our own waits, which double; a service that names a longer one is obeyed."""
_FAILURES_IN_A_ROW = 20
"""For each request in flight; then the service counts as gone."""
_OPEN_AFTER = 20
"""Failures in a row; from then on one request at a time tries whether the service is back."""
_FREE = frozenset({409, 425, 429, 500, 503, 529})
"""Statuses of a request that was not served; behind a gateway's 504 it may have been."""
_WORTH_SAYING = 5
"""So many failures in a row, and so many seconds of quiet."""


class Again(Exception):
    """A failure that may pass: overload, a lost connection, half a reply."""

    def __init__(self, reason: str, *, after_seconds: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds
        """How long the service asks to be left alone; 0 where it says nothing."""
        self.status = status
        """HTTP status; 0 where none came."""

    @property
    def may_cost(self) -> bool:
        """Return whether the request may have been served and billed."""
        return self.status not in _FREE if self.status else not _never_left(self)


class Rejected(Exception):
    """The service will never answer this one item: too long, or not to its liking."""


class Exhausted(Exception):
    """The item failed for as long as it may; a later run can ask it again."""


def status_error(status: int, reason: str, *, retry_after: str | None) -> Exception | None:
    """Return what an HTTP status means for its item; None where it means the end of the run."""
    if status in _PASSING or status >= 500:
        after_seconds = _seconds(retry_after)
        return Again(f"HTTP {status}: {reason}", after_seconds=after_seconds, status=status)
    return Rejected(f"HTTP {status}: {reason}") if status in _OF_ONE_ITEM else None


_NO_CONNECTION = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "ClientConnectorError",
        "EndpointConnectionError",
        "PoolTimeout",
        "SSLCertVerificationError",
        "gaierror",
    }
)
"""Classes of httpx2, botocore, aiohttp and Python that say: there was nothing to send through."""


def _never_left(error: BaseException) -> bool:
    """Return whether a failure's causes say that no connection came about."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        if type(cause).__name__ in _NO_CONNECTION:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _seconds(retry_after: str | None) -> float:
    """Return the header's value, a number of seconds or a date, in seconds from now."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(retry_after or "")
    except ValueError:
        return 0.0
    return max(0.0, (then.astimezone(UTC) - datetime.now(UTC)).total_seconds())


class Retries:
    """Sends requests, several at a time; what the service asks of one holds for all.

    Args:
        total_seconds: after which an item is given up.
        parallel: how many requests are in flight at most.
        random: draws the waits, so that those who failed together do not come back together.
        clock: seconds that never go back.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        *,
        total_seconds: float,
        parallel: int,
        random: Random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._total_seconds = total_seconds
        self._most_in_a_row = _FAILURES_IN_A_ROW * parallel
        self._random, self._clock, self._sleep = random, clock, sleep
        self._in_a_row = 0
        self._quiet_until = 0.0
        self._probe = asyncio.Lock()
        self._ended: Exception | None = None
        self._end = asyncio.Event()

    def stop(self, error: Exception) -> None:
        """Send nothing any more: what waits gives up with this error, what is in flight ends."""
        if self._ended is None:
            self._ended = error
            self._end.set()

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return what the request brings, in the end.

        Raises:
            Rejected: by the service, for good.
            Exhausted: ``total_seconds`` are over, or would be before the service wants to hear.
            RunError: too many requests in a row have failed.
            UserError: the request says that none would be answered; no other is sent either.
        """
        began, longest = self._clock(), _FIRST_SECONDS
        while True:
            try:
                found = await self._send(send)
            except (UserError, RunError) as error:
                self.stop(error)
                raise
            except Again as error:
                self._count(error)
                now, wait = self._clock(), error.after_seconds or self._random.uniform(0, longest)
                if now + wait - began > self._total_seconds:
                    raise Exhausted(str(error)) from error
                if error.after_seconds:
                    self._note_quiet(now, wait, reason=str(error))
                else:
                    await self._pause(wait)
                longest = min(2 * longest, _LONGEST_SECONDS)
            else:
                self._in_a_row = 0
                return found

    async def _send(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send when the service wants to hear; one at a time while it seems to be gone."""
        await self._keep_quiet()
        if self._in_a_row < _OPEN_AFTER:
            self._check_ended()
            return await send()
        async with self._probe:
            await self._keep_quiet()
            self._check_ended()
            return await send()

    def _check_ended(self) -> None:
        if self._ended is not None:
            raise self._ended

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the run."""
        if self._end.is_set():
            return
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.create_task(self._end.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _note_quiet(self, now: float, seconds: float, *, reason: str) -> None:
        if seconds > _WORTH_SAYING and now + seconds > self._quiet_until + _WORTH_SAYING:
            say("evaluate", f"waits {seconds:g} s, as the service asks for ({reason})")
        self._quiet_until = max(self._quiet_until, now + seconds)

    async def _keep_quiet(self) -> None:
        """Wait until the service wants to hear from anybody again, and up to 5 % longer."""
        while (wait := self._quiet_until - self._clock()) > 0 and not self._end.is_set():
            await self._pause(wait * self._random.uniform(1, 1.05))

    def _count(self, error: Again) -> None:
        self._in_a_row += 1
        if self._in_a_row == _WORTH_SAYING:
            say("evaluate", f"{_WORTH_SAYING} failures in a row, tries on: {error}")
        if self._in_a_row >= self._most_in_a_row:
            ended = RunError(
                f"{self._in_a_row} requests in a row have failed, the last with {error}: "
                "see to the service, then run the same command to go on"
            )
            self.stop(ended)
            raise ended from error
