"""Sets the dearest end of every request aside before it is sent, so that no cap is passed."""

import asyncio

from ...data.errors import ExitCode, RunError

_ROUNDING_USD = 1e-9


class CapReached(RunError):
    """The next request might pass the cap; what is finished is kept."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ExitCode.PARTIAL)


class Budget:
    """US dollars that may still go out.

    Args:
        cap_usd: never passed.
        spent_usd: billed for certain, by earlier runs too.
        held_usd: for requests whose replies were lost, which may be billed or not.
        reserved_usd: for what is on its way, as in open batches.
    """

    def __init__(
        self,
        *,
        cap_usd: float,
        spent_usd: float = 0.0,
        held_usd: float = 0.0,
        reserved_usd: float = 0.0,
    ) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self.held_usd = held_usd
        self.reserved_usd = reserved_usd
        self._freed = asyncio.Condition()

    @property
    def left_usd(self) -> float:
        """Return what could be set aside now."""
        return self.cap_usd - self.spent_usd - self.held_usd - self.reserved_usd

    async def reserve(self, usd: float) -> None:
        """Set an amount aside; where it does not fit, wait for what others give back.

        Raises:
            CapReached: it does not fit, and nobody will give back as much.
        """
        async with self._freed:
            while not self.try_reserve(usd):
                if usd > self.left_usd + self.reserved_usd + _ROUNDING_USD:
                    raise self.reached(usd)
                await self._freed.wait()

    def try_reserve(self, usd: float) -> bool:
        """Set an amount aside if it fits now."""
        if usd > self.left_usd + _ROUNDING_USD:
            return False
        self.reserved_usd += usd
        return True

    async def settle(
        self, reserved_usd: float, *, spent_usd: float = 0.0, held: bool = False
    ) -> None:
        """Give back what was set aside, less what it did cost, or keep it where that is unknown."""
        async with self._freed:
            self.reserved_usd = max(0.0, self.reserved_usd - reserved_usd)
            if self.reserved_usd < _ROUNDING_USD:
                self.reserved_usd = 0.0
            self.spent_usd += spent_usd
            self.held_usd += reserved_usd if held else 0.0
            self._freed.notify_all()

    def reached(self, usd: float) -> CapReached:
        """Return what to say where an amount does not fit."""
        held = f" and {self.held_usd:.4f} held for lost replies" if self.held_usd else ""
        return CapReached(
            f"the cap of {self.cap_usd:g} USD is reached: {self.spent_usd:.4f} are spent{held}, "
            f"and the next request might cost {usd:.4f}: raise spending.cap_usd and run the same "
            "command to go on"
        )
