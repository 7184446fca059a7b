"""What a training run takes in hours and money, kept in the run's ledger of costs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from ..data.cost_ledger import LEDGER_NAME, CostEntry, CostKind, append_cost
from ..data.progress import say

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuHours:
    """The time from one start of the processes to their end; each start is an entry of its own.

    It is written at every checkpoint too, so that a kill loses no more hours than steps.
    """

    folder: Path
    """The run's."""
    system: str
    """Name of the run."""
    model: str
    language: str
    num_processes: int
    on_gpu: bool
    usd_per_hour: float | None
    """Of one GPU; None where it is not known."""
    writes: bool = True
    """False for all processes but the first."""
    clock: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)
    id: str = field(default_factory=lambda: f"finetune-{time.time_ns()}")

    def __enter__(self) -> "GpuHours":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the hours, however the run has ended."""
        self.book()

    def book(self) -> None:
        """Write the hours so far, in place of those written before; a full disk ends no run."""
        if not self.writes:
            return
        try:
            append_cost(self.folder, self._entry())
        except OSError as error:
            say("train", f"WARNING {self.folder / LEDGER_NAME} was not written: {error.strerror}")

    def _entry(self) -> CostEntry:
        hours = (self.clock() - self.started) / _SECONDS_AN_HOUR
        num_gpus = self.num_processes if self.on_gpu else 0
        usd, note = self._price(hours * num_gpus)
        return CostEntry(
            kind=CostKind.gpu,
            what="finetune",
            id=self.id,
            system=self.system,
            model=self.model,
            language=self.language,
            gpu_hours=round(hours * num_gpus, 6),
            num_gpus=num_gpus,
            wall_hours=round(hours, 6),
            usd=usd,
            price_as_of="" if usd is None else "stated: launch.gpu_usd_per_hour",
            note=note,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _price(self, gpu_hours: float) -> tuple[float | None, str]:
        """Return the dollars and, where they are not known, why."""
        if not self.on_gpu:
            return None, "trained on a CPU: no GPU hours, price unknown"
        if self.usd_per_hour is None:
            return None, "price unknown: set launch.gpu_usd_per_hour"
        return round(gpu_hours * self.usd_per_hour, 6), ""
