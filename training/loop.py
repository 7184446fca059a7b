"""The training loop: one optimizer step after another, exact to resume, safe to stop."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from ..data.batches import Batch, BatchPlan, collate
from ..data.errors import ExitCode, RunError
from ..data.progress import progress_bar, say
from ..data.tokens import TokenRows
from .checkpoint import Checkpoints
from .ledger import Ledger, StepRecord
from .schedule import learning_rate
from .settings import TrainingConfig
from .stack import TrainableModel
from .stop import StopRequest
from .strategy import Strategy


@dataclass(frozen=True, slots=True)
class Feed:
    """The batches of a run: rows on disk, which step takes which, and how they become tensors."""

    rows: TokenRows
    plan: BatchPlan
    prefix: Sequence[int]
    pad_id: int
    micro_rows: int

    def step_tokens(self, step: int) -> tuple[int, int]:
        """Return tokens and trained tokens of a whole step: every process can tell."""
        encoded = [self.rows.row(row) for pack in self.plan.step_packs(step) for row in pack]
        return sum(len(row.ids) for row in encoded), sum(sum(row.trained) for row in encoded)

    def micro_batches(self, step: int, *, rank: int, num_ranks: int) -> list[tuple[Batch, bool]]:
        """Return this process's batches of a step, and whether each counts (False: a filler)."""
        packs = self.plan.micro_batches(
            step, rank=rank, num_ranks=num_ranks, micro_rows=self.micro_rows
        )
        filler = self.plan.step_packs(step)[:1]
        return [(self._tensors(some or filler), bool(some)) for some in packs]

    def _tensors(self, packs: list[list[int]]) -> Batch:
        documents = [[self.rows.row(row) for row in pack] for pack in packs]
        return collate(documents, prefix=self.prefix, pad_id=self.pad_id)


class FitResult(NamedTuple):
    """What training did in this process's lifetime and in all."""

    steps: int
    first_loss: float
    last_loss: float
    tokens: int
    seconds: float


def fit(
    model: TrainableModel,
    feed: Feed,
    strategy: Strategy,
    config: TrainingConfig,
    *,
    total_steps: int,
    start_step: int,
    checkpoints: Checkpoints,
    ledger: Ledger,
    stop: StopRequest,
) -> FitResult:
    """Train from ``start_step`` to ``total_steps``; every process calls it.

    Raises:
        RunError: the loss or the gradient is not finite (nothing is logged or updated), or the run
        was asked
            to stop (saved; exit code 75).
    """
    started = datetime.now(UTC)
    clock = time.monotonic()
    losses: list[float] = []
    num_tokens = 0
    model.module.train()
    with progress_bar(
        total=total_steps, initial=start_step, label="train", unit="step", hidden=strategy.rank != 0
    ) as bar:
        for step in range(start_step, total_steps):
            line, wants_stop = _train_step(
                feed, strategy, config, step=step, total_steps=total_steps, stop=stop
            )
            ledger.record(line)
            losses.append(line["loss"])
            num_tokens += line["tokens"]
            bar.set_postfix_str(f"loss {line['loss']:.3f} {line['tokens_per_second']:.0f} tok/s")
            bar.update()
            done = step + 1
            if wants_stop or done % config.save_every_steps == 0 or done == total_steps:
                checkpoints.save(strategy, step=done, started_at=started, now=datetime.now(UTC))
            if wants_stop and done < total_steps:
                raise RunError(
                    f"saved at step {done} of {total_steps} as asked: run the command again",
                    code=ExitCode.SAVED_RUN_AGAIN,
                )
    return FitResult(
        steps=total_steps,
        first_loss=losses[0] if losses else math.nan,
        last_loss=losses[-1] if losses else math.nan,
        tokens=num_tokens,
        seconds=time.monotonic() - clock,
    )


def _train_step(
    feed: Feed,
    strategy: Strategy,
    config: TrainingConfig,
    *,
    step: int,
    total_steps: int,
    stop: StopRequest,
) -> tuple[StepRecord, bool]:
    """Run one optimizer step; return its record and whether any process wants to stop."""
    clock = time.monotonic()
    tokens, trained_tokens = feed.step_tokens(step)
    batches = feed.micro_batches(step, rank=strategy.rank, num_ranks=strategy.num_ranks)
    loss_sum = 0.0
    for index, (batch, counts) in enumerate(batches):
        weight = 1 / trained_tokens if counts else 0.0
        losses_N = strategy.accumulate(
            batch.to(strategy.device), weight=weight, is_last=index == len(batches) - 1
        )
        loss_sum += float(losses_N.sum()) if counts else 0.0
    lr = learning_rate(config, step=step, total_steps=total_steps)
    grad_norm = strategy.step(lr=lr)
    loss_sum, num_stops = strategy.sum([loss_sum, float(stop.is_set())])
    loss = loss_sum / trained_tokens
    _require_finite(loss, grad_norm, step=step)
    return StepRecord(
        step=step + 1,
        epoch=round((step + 1) / feed.plan.steps_per_epoch, 4),
        loss=loss,
        grad_norm=grad_norm,
        lr=lr,
        tokens=tokens,
        trained_tokens=trained_tokens,
        tokens_per_second=round(tokens / max(1e-9, time.monotonic() - clock), 1),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    ), num_stops > 0


def _require_finite(loss: float, grad_norm: float, *, step: int) -> None:
    if math.isfinite(loss) and math.isfinite(grad_norm):
        return
    say("train", f"step {step + 1}: loss {loss}, gradient norm {grad_norm}")
    raise RunError(
        f"the {'gradient' if math.isfinite(loss) else 'loss'} of step {step + 1} is not finite: "
        "lower training.lr or look at the rows of that step; the last checkpoint is whole"
    )
