"""The guard: a step whose loss or gradient is not a number or far out of line updates nothing.

The rule of OLMo-core's skip-step optimizer (a window of 128 steps, 6 standard deviations, on loss
and gradient norm), decided before the update. It needs no state of its own: what it has seen
stands in the ledger, so that a resumed run decides as the unbroken one.
"""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Mapping

from ..data.errors import RunError
from .settings import TrainingConfig

_NEVER = -1.0
"""No norm is below it: ``Strategy.step`` then drops the gradient."""
_LEAST_DEVIATION = 0.05
"""The standard deviation counts as at least this part of the mean: where losses hardly differ,
6 sigma would be next to nothing and ordinary rows would be skipped."""


class Guard:
    """Judges each step by those before it; every process sees the same numbers, decides alike.

    Args:
        past: the ledger's step lines up to here, oldest first.
    """

    def __init__(
        self, config: TrainingConfig, *, past: Iterable[Mapping[str, object]] = ()
    ) -> None:
        self._sigmas = config.spike_sigmas
        self._most_skips = config.max_skipped_steps
        self._window = config.guard_window_steps
        self._losses: deque[float] = deque(maxlen=self._window)
        self._norms: deque[float] = deque(maxlen=self._window)
        self._skips: list[tuple[int, str]] = []
        self.num_skipped = 0
        for line in past:
            step, loss, norm = (line.get(name) for name in ("step", "loss", "grad_norm"))
            assert isinstance(step, int)
            if isinstance(loss, float) and isinstance(norm, float):
                self.took(loss, norm)
            else:
                self._note(step, str(line.get("skipped")))

    def max_norm(self, loss: float) -> float:
        """Return the largest gradient norm that may update the weights; negative: none may."""
        if not math.isfinite(loss) or loss > self._limit(self._losses):
            return _NEVER
        return self._limit(self._norms)

    def took(self, loss: float, norm: float) -> None:
        """Remember a step that was made."""
        self._losses.append(loss)
        self._norms.append(norm)

    def skip(self, step: int, *, loss: float, norm: float) -> str:
        """Remember a step that was not made; return why."""
        reason = self._reason(loss, norm)
        self._note(step, reason)
        return reason

    def check(self) -> None:
        """Stop the run when it skips too often.

        Raises:
            RunError: more of the last steps were skipped than the settings allow.
        """
        if len(self._skips) <= self._most_skips:
            return
        steps = ", ".join(str(number) for number, _ in self._skips)
        raise RunError(
            f"steps {steps} were skipped ({self._skips[-1][1]}), more than training."
            f"max_skipped_steps={self._most_skips} of the last {self._window}: lower training.lr "
            "or look at the rows of these steps; the last checkpoint is whole"
        )

    def _note(self, step: int, reason: str) -> None:
        self.num_skipped += 1
        recent = [item for item in self._skips if item[0] > step - self._window]
        self._skips = [*recent, (step, reason)]

    def _reason(self, loss: float, norm: float) -> str:
        for name, value, seen in (
            ("loss", loss, self._losses),
            ("gradient", norm, self._norms),
        ):
            if not math.isfinite(value):
                return f"the {name} is not finite"
            if value > self._limit(seen):
                return f"the {name} is more than {self._sigmas:g} sigma above the steps before"
        raise AssertionError("a step was skipped without a reason")

    def _limit(self, seen: deque[float]) -> float:
        """Return mean + sigmas x standard deviation; half a window must be known first."""
        if self._sigmas == 0 or len(seen) < max(2, self._window // 2):
            return math.inf
        mean = statistics.fmean(seen)
        return mean + self._sigmas * max(statistics.pstdev(seen, mean), _LEAST_DEVIATION * mean)
