"""What a person sees of the steps: a bar with ETA on a terminal, a line now and then in a log."""

import sys
import time
from types import TracebackType

from ..data.progress import progress_bar, say
from .ledger import StepRecord

_SECONDS_BETWEEN_LINES = 15.0


class StepDisplay:
    """Shows the steps of a run; entered around them.

    Args:
        total_steps: of the whole run.
        start_step: steps done before.
        hidden: for all processes but the first.
    """

    def __init__(self, *, total_steps: int, start_step: int, hidden: bool) -> None:
        self._total_steps = total_steps
        self._start_step = start_step
        self._hidden = hidden
        self._is_terminal = sys.stderr.isatty()
        self._bar = progress_bar(
            total=total_steps,
            initial=start_step,
            label="train",
            unit="step",
            hidden=hidden or not self._is_terminal,
        )
        self._started = self._said = time.monotonic()

    def __enter__(self) -> "StepDisplay":
        self._started = time.monotonic()
        self._said = -_SECONDS_BETWEEN_LINES
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def show(self, line: StepRecord) -> None:
        """Show one step."""
        if self._hidden:
            return
        text = f"loss {line['loss']:.3f}, {line['tokens_per_second']:.0f} tokens/s"
        if figures := line.get("preference"):
            text += f", better reply preferred {figures['reward_accuracy']:.0%}"
        if self._is_terminal:
            self._bar.set_postfix_str(text)
            self._bar.update(line["step"] - self._bar.n)
            return
        now = time.monotonic()
        is_last = line["step"] == self._total_steps
        if is_last or now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            left = self._seconds_left(line["step"], now)
            say(
                "train", f"step {line['step']} of {self._total_steps}, {text}, {as_time(left)} left"
            )

    def _seconds_left(self, step: int, now: float) -> float:
        seconds_a_step = (now - self._started) / max(1, step - self._start_step)
        return (self._total_steps - step) * seconds_a_step


def as_time(seconds: float) -> str:
    """Return 45 s, 12 min, 3 h 20 min or 2 d 4 h."""
    minutes = round(seconds / 60)
    hours = minutes // 60
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h"
