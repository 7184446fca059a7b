"""What a run reports while it trains: ``metrics.jsonl`` always, Weights & Biases if asked."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypedDict

from ..data.errors import UserError
from ..data.manifest import Json
from .settings import TrackerConfig, TrackerKind


class StepRecord(TypedDict):
    """One line of ``metrics.jsonl``; numbers are finite or the line is not written."""

    step: int
    """Optimizer steps done, from 1."""
    epoch: float
    loss: float
    """Mean cross entropy over the step's trained tokens, in nats."""
    grad_norm: float
    lr: float
    tokens: int
    """Tokens of the step's rows, over all processes."""
    trained_tokens: int
    tokens_per_second: float
    time: str
    """End of the step, ISO 8601."""


class Ledger(Protocol):
    """Receives each step's record; entered and left once a run."""

    def __enter__(self) -> "Ledger": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def record(self, line: StepRecord) -> None:
        """Keep one step."""
        ...


class NoLedger:
    """Keeps nothing: for all processes but the first."""

    def __enter__(self) -> "NoLedger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def record(self, line: StepRecord) -> None:
        """Drop the record."""


class FileLedger:
    """``metrics.jsonl``, cut back to the resumed step so that no step stands twice, and W&B.

    Args:
        path: the file.
        resumed_step: steps that the resumed checkpoint has done; later lines are dropped.
        tracker: whether W&B runs too.
        config: shown in W&B.
    """

    def __init__(
        self,
        path: Path,
        *,
        resumed_step: int,
        tracker: TrackerConfig,
        config: dict[str, Json],
        run_name: str,
    ) -> None:
        self._path = path
        self._resumed_step = resumed_step
        self._tracker = tracker
        self._config = config
        self._run_name = run_name

    def __enter__(self) -> "FileLedger":
        self._cut()
        self._stream = self._path.open("a", encoding="utf-8")
        self._wandb = None if self._tracker.kind is TrackerKind.none else self._start_wandb()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if kind is None else 1)

    def record(self, line: StepRecord) -> None:
        """Append the step; a kill loses at most the line being written."""
        self._stream.write(json.dumps(line, allow_nan=False) + "\n")
        self._stream.flush()
        if self._wandb is not None:
            self._wandb.log(dict(line), step=line["step"])

    def _cut(self) -> None:
        if not self._path.is_file():
            return
        kept = [
            line for line in self._path.read_text("utf-8").splitlines() if self._is_before(line)
        ]
        temporary = self._path.with_name(self._path.name + ".tmp")
        temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        temporary.replace(self._path)

    def _is_before(self, line: str) -> bool:
        try:
            return json.loads(line)["step"] <= self._resumed_step
        except ValueError:
            return False  # the line a kill cut short

    def _start_wandb(self):  # noqa: ANN202  wandb's own type is not exported
        import wandb

        online = self._tracker.kind is TrackerKind.wandb_online
        if online and not os.environ.get("WANDB_API_KEY"):
            raise UserError("tracker=wandb_online needs WANDB_API_KEY in the environment")
        return wandb.init(
            project=self._tracker.project,
            name=self._run_name,
            # The same id after a requeue: the run goes on instead of beginning a second one.
            id=self._run_name.replace("/", "-"),
            resume="allow",
            mode="online" if online else "offline",
            dir=self._path.parent,
            config=self._config,
        )
