"""One stage of the corpus pipeline: steps that run alike over a number of tasks."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from datatrove.pipeline.base import PipelineStep

from .meter import show_meters


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Steps for ``num_tasks`` tasks; a stage begins when the one before it is complete.

    Task n is the same work on every engine and with any number of processes.
    """

    name: str
    steps: Sequence[PipelineStep]
    num_tasks: int
    meters: Path | None = None
    """Folder in which the readers say how far they are; None for a stage without a reader."""
    size_bytes: int = 0
    """What the readers will have read in the end; 0 where that is not known beforehand."""
    reads: Path | None = None
    """Folder of an earlier stage that the readers read whole; its size is known when they begin."""

    def bar(self, *, label: str) -> AbstractContextManager[None]:
        """Return what shows how far the readers are while its body runs; call it at the start."""
        if self.meters is None:
            return nullcontext()
        total = self.size_bytes
        if self.reads is not None:
            total = sum(file.stat().st_size for file in self.reads.glob("*.parquet"))
        return show_meters(self.meters, total_bytes=total, label=f"{label} {self.name}")


def log_folder(work: Path, stage: Stage) -> Path:
    """Return where a stage's logs, times and marks of finished tasks lie."""
    return work / "logs" / stage.name
