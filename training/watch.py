"""What is looked at while a run trains: held-out rows, at an interval."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..data.progress import say
from .heldout import Heldout
from .ledger import HeldoutRecord, Ledger
from .settings import WatchConfig
from .stack import TrainableModel
from .strategy import Strategy


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Looks before the first step, at the interval, and after the last; every process calls it.

    Args:
        region: the language whose bits per byte is the score of a checkpoint.
    """

    config: WatchConfig
    model: TrainableModel
    strategy: Strategy
    heldout: Heldout
    region: str
    total_steps: int
    ledger: Ledger

    def look(self, step: int) -> float | None:
        """Report what is due after so many steps; return the score (lower is better), if any."""
        if not self.heldout.languages or not _is_due(
            step, every=self.config.heldout_every_steps, last=self.total_steps
        ):
            return None
        figures = self.heldout.measure(self.model, self.strategy)
        bits = figures.bits_per_byte
        self.ledger.record_heldout(
            HeldoutRecord(
                step=step,
                bits_per_byte=bits,
                loss=figures.loss,
                time=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
        if self.strategy.rank == 0:
            shown = ", ".join(f"{code} {value:.4f}" for code, value in bits.items())
            say("heldout", f"step {step}: {shown} bits a byte")
        return bits.get(self.region, sum(bits.values()) / len(bits))


def _is_due(step: int, *, every: int, last: int) -> bool:
    return step in (0, last) or (every > 0 and step % every == 0)
