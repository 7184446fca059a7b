"""How much may be spent, and how hard a vendor may be asked."""

import math
import os
from dataclasses import dataclass

from ...data.errors import UserError

CEILING_VARIABLE = "LOKAL_COST_CEILING_USD"
"""Environment variable with a cap that no setting can raise, as an administrator sets it."""


@dataclass(kw_only=True, slots=True)
class SpendingConfig:
    """The cap, and when to give up."""

    cap_usd: float
    """Never passed: the dearest end of every request is set aside before it is sent."""
    retry_seconds: float = 900.0
    """Longest time in which one question is asked again and again."""
    batch_poll_seconds: float = 60.0
    """Between two looks at a batch, which may take a day."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cap_usd) and self.cap_usd >= 0):
            raise ValueError(f"spending.cap_usd must be 0 or more, got {self.cap_usd}")
        for name in ("retry_seconds", "batch_poll_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"spending.{name} must be above 0, got {getattr(self, name)}")

    @property
    def limit_usd(self) -> float:
        """Return the lower of the cap and the environment's ceiling.

        Raises:
            UserError: the variable holds no amount.
        """
        text = os.environ.get(CEILING_VARIABLE, "").strip()
        if not text:
            return self.cap_usd
        try:
            ceiling = float(text)
        except ValueError:
            ceiling = math.nan
        if not (math.isfinite(ceiling) and ceiling >= 0):
            raise UserError(f"{CEILING_VARIABLE} must be an amount in USD, got {text!r}")
        return min(self.cap_usd, ceiling)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a vendor allows; our own counts adapt below it."""

    parallel: int = 8
    """Requests in flight."""
    requests_per_minute: int = 500
    tokens_per_minute: int = 200_000
    """Prompt and longest reply together, as vendors count before they answer."""
    batch: bool = False
    """Through the vendor's batch interface, where it has one."""

    def __post_init__(self) -> None:
        for name in ("parallel", "requests_per_minute", "tokens_per_minute"):
            if getattr(self, name) < 1:
                raise ValueError(f"limits.{name} must be 1 or more, got {getattr(self, name)}")
