"""What a run reports while it trains: JSON lines always, Weights & Biases if asked.

``metrics.jsonl`` has one line a step, ``heldout.jsonl`` one a look at the held-out rows,
``samples.jsonl`` one a generated text. All numbers are finite.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NotRequired, Protocol, TextIO, TypedDict

from ..data.errors import UserError
from ..data.manifest import Json
from .settings import TrackerConfig, TrackerKind

METRICS_NAME = "metrics.jsonl"
HELDOUT_NAME = "heldout.jsonl"
SAMPLES_NAME = "samples.jsonl"


class StepRecord(TypedDict):
    """One line of ``metrics.jsonl``: a step that updated the weights."""

    step: int
    """Optimizer steps done, from 1."""
    epoch: float
    loss: float
    """Mean over the step: cross entropy of its trained tokens, in nats, or loss of its pairs."""
    grad_norm: float
    """Before clipping."""
    lr: float
    tokens: int
    """Tokens of the step's rows, over all processes."""
    trained_tokens: int
    tokens_per_second: float
    mfu: float | None
    """Part of the hardware's peak that the model's own arithmetic takes; null: peak not known."""
    memory_mb: int
    """Peak so far in the first process: of the GPU if there is one, else resident memory."""
    loss_by_language: dict[str, float]
    loss_by_source: dict[str, float]
    skipped_steps: int
    """Steps skipped so far."""
    time: str
    """End of the step, ISO 8601."""
    preference: NotRequired[dict[str, float]]
    """Of ``stage=dpo``: means over the step's pairs; names in ``dpo.FIGURES``."""


class SkipRecord(TypedDict):
    """One line of ``metrics.jsonl``: a step that updated nothing, and so has no numbers."""

    step: int
    epoch: float
    skipped: str
    """Why."""
    skipped_steps: int
    """Steps skipped so far, this one included."""
    time: str


class HeldoutRecord(TypedDict):
    """One line of ``heldout.jsonl``."""

    step: int
    bits_per_byte: dict[str, float]
    """By language: bits that the model needs for a byte of UTF-8 of the text."""
    loss: dict[str, float]
    """By language, in nats a token."""
    time: str


class SampleRecord(TypedDict):
    """One line of ``samples.jsonl``: a greedy continuation."""

    step: int
    language: str
    prompt: str
    text: str


Record = StepRecord | SkipRecord | HeldoutRecord | SampleRecord


class Ledger(Protocol):
    """Receives what there is to report; entered and left once a run."""

    def __enter__(self) -> "Ledger": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def record(self, line: StepRecord | SkipRecord) -> None:
        """Keep one step."""
        ...

    def record_heldout(self, line: HeldoutRecord) -> None:
        """Keep one look at the held-out rows."""
        ...

    def record_sample(self, line: SampleRecord) -> None:
        """Keep one generated text."""
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

    def record(self, line: StepRecord | SkipRecord) -> None:
        """Drop the record."""

    def record_heldout(self, line: HeldoutRecord) -> None:
        """Drop the record."""

    def record_sample(self, line: SampleRecord) -> None:
        """Drop the record."""


class FileLedger:
    """The JSON lines, cut back to the resumed step so that no step stands twice, and W&B.

    Args:
        folder: the run's.
        resumed_step: steps that the resumed checkpoint has done; later lines are dropped.
        tracker: whether W&B runs too.
        config: shown in W&B.
        run_name: shown in W&B.
        run_id: the same after a requeue, so that W&B's run goes on too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resumed_step: int,
        tracker: TrackerConfig,
        config: Mapping[str, Json],
        run_name: str,
        run_id: str,
    ) -> None:
        self._folder = folder
        self._resumed_step = resumed_step
        self._tracker = tracker
        self._config = config
        self._run_name = run_name
        self._run_id = run_id
        self._streams: dict[str, TextIO] = {}

    def __enter__(self) -> "FileLedger":
        for name in (METRICS_NAME, HELDOUT_NAME, SAMPLES_NAME):
            path = self._folder / name
            # A run that begins anew looks at its held-out rows before the first step again.
            _cut(path, until=self._resumed_step or -1)
            self._streams[name] = path.open("a", encoding="utf-8")
        self._wandb = None if self._tracker.kind is TrackerKind.none else self._start_wandb()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in self._streams.values():
            stream.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if kind is None else 1)

    def record(self, line: StepRecord | SkipRecord) -> None:
        """Append the step; a kill loses at most the line being written."""
        self._append(METRICS_NAME, line)
        self._track(line["step"], _numbers(line))

    def record_heldout(self, line: HeldoutRecord) -> None:
        """Append the figures."""
        self._append(HELDOUT_NAME, line)
        by_language = line["bits_per_byte"].items()
        self._track(
            line["step"], {f"heldout/{code}/bits_per_byte": value for code, value in by_language}
        )

    def record_sample(self, line: SampleRecord) -> None:
        """Append the text; it stays on this machine."""
        self._append(SAMPLES_NAME, line)

    def _append(self, name: str, line: Record) -> None:
        stream = self._streams[name]
        stream.write(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n")
        stream.flush()

    def _track(self, step: int, numbers: dict[str, float]) -> None:
        if self._wandb is not None:
            self._wandb.log(numbers, step=step)

    def _start_wandb(self):  # noqa: ANN202  wandb's own type is not exported
        import wandb

        online = self._tracker.kind is TrackerKind.wandb_online
        if online and not os.environ.get("WANDB_API_KEY"):
            raise UserError("tracker=wandb_online needs WANDB_API_KEY in the environment")
        return wandb.init(
            project=self._tracker.project,
            name=self._run_name,
            id=self._run_id,
            resume="allow",
            mode="online" if online else "offline",
            dir=self._folder,
            config=dict(self._config),
        )


def read_lines(path: Path, *, until: int | None = None) -> Iterator[dict[str, Json]]:
    """Yield a ledger file's whole lines, up to a step; a line that a kill cut short is left out."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if until is None or found["step"] <= until:
                yield found


def _cut(path: Path, *, until: int) -> None:
    if not path.is_file():
        return
    kept = [json.dumps(line, ensure_ascii=False) for line in read_lines(path, until=until)]
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    temporary.replace(path)


def _numbers(line: StepRecord | SkipRecord) -> dict[str, float]:
    """Return the line's numbers under flat names."""
    flat: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            flat |= {f"{name}/{key}": number for key, number in value.items()}
        elif isinstance(value, int | float):
            flat[name] = value
    return flat
