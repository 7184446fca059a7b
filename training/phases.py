"""Work that all processes do phase by phase, at once or in a thread beside the training.

Processes meet in the main thread only: an exchange in a thread of its own would get between those
of the training.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from .strategy import Strategy

Phase = Callable[[], str]
"""Returns what went wrong, or nothing."""


class Progress(NamedTuple):
    """How far the work has come, the same on every process but for the words."""

    is_over: bool
    has_failed: bool
    problem: str
    """What went wrong on this process."""


class Phases:
    """One phase after another; the next begins when every process has ended the one before it.

    Args:
        phases: at least one.
        in_background: begin at once in a thread, and go on whenever ``advance`` is called.
    """

    def __init__(self, phases: Sequence[Phase], *, in_background: bool) -> None:
        self._left = list(phases)
        self._thread = ThreadPoolExecutor(1, "lokal-save") if in_background else None
        self._running: Future[str] | None = None
        self._start()

    def advance(self, strategy: Strategy, *, wait: bool) -> Progress:
        """Go on as far as is possible without waiting, or to the end; every process calls it."""
        while self._left:
            is_done = wait or (self._running is not None and self._running.done())
            problem = self._end() if is_done else ""
            num_done, num_failed = strategy.sum([float(is_done), float(bool(problem))])
            if num_failed:
                return self._over(Progress(is_over=True, has_failed=True, problem=problem))
            if num_done < strategy.num_ranks:
                return Progress(is_over=False, has_failed=False, problem="")
            del self._left[0]
            self._start()
        return self._over(Progress(is_over=True, has_failed=False, problem=""))

    def _start(self) -> None:
        if self._thread is not None and self._left:
            self._running = self._thread.submit(self._left[0])

    def _end(self) -> str:
        """Return what the first phase returned; without a thread it runs here and now."""
        return self._left[0]() if self._running is None else self._running.result()

    def _over(self, progress: Progress) -> Progress:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
        return progress
