"""The training loop: one optimizer step after another, exact to resume, safe to stop."""

# G groups (language and source), N targets of a batch

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import torch

from ..data.progress import say
from .checkpoint import Checkpoints
from .display import StepDisplay
from .feed import Feed, StepCounts
from .gpu_hours import GpuHours
from .guard import Guard
from .ledger import Ledger, SkipRecord, StepRecord
from .run_state import RunState, State
from .schedule import learning_rate
from .settings import TrainingConfig
from .stack import TrainableModel
from .stop import StopRequest
from .strategy import Strategy, is_accepted
from .throughput import Throughput
from .watch import Watch


class FitResult(NamedTuple):
    """How far training has come."""

    steps: int
    """Optimizer steps done, those of earlier processes included."""
    is_finished: bool
    """False: stopped as asked, and saved."""


class _Sums(NamedTuple):
    """What one step's passes gave, over all processes."""

    loss: float
    """Mean over the step's trained tokens, or pairs."""
    by_group: list[float]
    figures: dict[str, float]
    """Means of what the model tells beside its losses."""
    wants_stop: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """The parts of a run; every process holds its own and calls ``run``."""

    model: TrainableModel
    feed: Feed
    strategy: Strategy
    config: TrainingConfig
    total_steps: int
    guard: Guard
    checkpoints: Checkpoints
    state: RunState
    hours: GpuHours
    ledger: Ledger
    stop: StopRequest
    throughput: Throughput
    display: StepDisplay
    watch: Watch

    def run(self, *, start_step: int) -> FitResult:
        """Train from ``start_step`` (steps already done) to the end, or until asked to stop.

        Raises:
            RunError: the guard has skipped too many steps, or a checkpoint could not be written.
        """
        self.model.module.train()
        if start_step == 0:
            self.watch.look(0)
        for step in range(start_step, self.total_steps):
            wants_stop = self._step(step)
            self.checkpoints.go_on(self.strategy)
            done = step + 1
            is_last = done == self.total_steps
            score = self.watch.look(done)
            if wants_stop or is_last or done % self.config.save_every_steps == 0:
                self._save(done, score)
            if wants_stop and not is_last:
                self.checkpoints.wait(self.strategy)
                return FitResult(done, is_finished=False)
        self.checkpoints.wait(self.strategy)
        return FitResult(self.total_steps, is_finished=True)

    def _save(self, done: int, score: float | None) -> None:
        now = datetime.now(UTC)
        self.checkpoints.save(self.strategy, step=done, started_at=now, now=now, score=score)
        self.state.write(State.running, step=done, total_steps=self.total_steps)
        self.hours.book()

    def _step(self, step: int) -> bool:
        """Run one optimizer step and report it; return whether any process wants to stop."""
        clock = time.monotonic()
        counts = self.feed.step_counts(step)
        sums = self._passes(step, counts)
        lr = learning_rate(self.config, step=step, total_steps=self.total_steps)
        max_norm = self.guard.max_norm(sums.loss)
        norm = self.strategy.step(lr=lr, max_norm=max_norm)
        if is_accepted(norm, max_norm=max_norm):
            self.guard.took(sums.loss, norm)
            seconds = time.monotonic() - clock
            line = self._record(step, counts, sums, norm=norm, lr=lr, seconds=seconds)
            self.ledger.record(line)
            self.display.show(line)
        else:
            self._skip(step, loss=sums.loss, norm=norm)
        return sums.wants_stop

    def _passes(self, step: int, counts: StepCounts) -> _Sums:
        """Run the forward and backward passes of a step."""
        strategy = self.strategy
        batches = self.feed.micro_batches(step, rank=strategy.rank, num_ranks=strategy.num_ranks)
        loss_sums: list[torch.Tensor] = []
        by_group_G = torch.zeros(len(self.feed.groups), device=strategy.device)
        names = self.model.figures.names if self.model.figures else ()
        figures_F = torch.zeros(len(names), dtype=torch.float64, device=strategy.device)
        for index, (some, counted) in enumerate(batches):
            batch = some.to(strategy.device)
            losses_N = strategy.accumulate(
                batch,
                weight=1 / counts.num_losses if counted else 0.0,
                is_last=index == len(batches) - 1,
            )
            if counted:
                loss_sums.append(losses_N.sum())
                by_group_G.index_add_(0, batch.group_N, losses_N)
                if self.model.figures:
                    figures_F += self.model.figures.sums()
        # One wait for the device and one exchange a step.
        loss_sum, num_stops, *more = strategy.sum(
            [
                sum(map(float, loss_sums)),
                float(self.stop.is_set()),
                *by_group_G.tolist(),
                *figures_F.tolist(),
            ]
        )
        by_group, figures = more[: len(self.feed.groups)], more[len(self.feed.groups) :]
        return _Sums(
            loss=loss_sum / counts.num_losses,
            by_group=by_group,
            figures={
                name: round(total / counts.num_losses, 6)
                for name, total in zip(names, figures, strict=True)
            },
            wants_stop=num_stops > 0,
        )

    def _record(
        self,
        step: int,
        counts: StepCounts,
        sums: _Sums,
        *,
        norm: float,
        lr: float,
        seconds: float,
    ) -> StepRecord:
        tokens = sum(counts.document_tokens)
        languages = [group.language for group in self.feed.groups]
        sources = [group.source for group in self.feed.groups]
        line = StepRecord(
            step=step + 1,
            epoch=self._epoch(step),
            loss=sums.loss,
            grad_norm=norm,
            lr=lr,
            tokens=tokens,
            trained_tokens=counts.trained_tokens,
            tokens_per_second=round(tokens / max(1e-9, seconds), 1),
            mfu=self.throughput.mfu(counts, seconds=seconds),
            memory_mb=self.throughput.memory_mb(),
            loss_by_language=_means(languages, sums.by_group, counts.losses_by_group),
            loss_by_source=_means(sources, sums.by_group, counts.losses_by_group),
            skipped_steps=self.guard.num_skipped,
            time=_now(),
        )
        if sums.figures:
            line["preference"] = sums.figures
        return line

    def _skip(self, step: int, *, loss: float, norm: float) -> None:
        """Report a step that updated nothing; its numbers are shown but never recorded."""
        reason = self.guard.skip(step + 1, loss=loss, norm=norm)
        self.ledger.record(
            SkipRecord(
                step=step + 1,
                epoch=self._epoch(step),
                skipped=reason,
                skipped_steps=self.guard.num_skipped,
                time=_now(),
            )
        )
        if self.strategy.rank == 0:
            say(
                "train",
                f"WARNING skips step {step + 1}: {reason} (loss {loss:.4g}, norm {norm:.4g})",
            )
        self.guard.check()

    def _epoch(self, step: int) -> float:
        return round((step + 1) / self.feed.plan.steps_per_epoch, 4)


def _means(names: list[str], sums: list[float], numbers: list[int]) -> dict[str, float]:
    """Return the mean loss under each name that trained a token in this step."""
    found: dict[str, tuple[float, int]] = {}
    for name, total, number in zip(names, sums, numbers, strict=True):
        if number:
            before = found.get(name, (0.0, 0))
            found[name] = (before[0] + total, before[1] + number)
    return {name: round(total / number, 6) for name, (total, number) in found.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
