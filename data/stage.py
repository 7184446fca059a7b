"""One stage of the corpus pipeline: steps that run alike over a number of tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datatrove.pipeline.base import PipelineStep


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
    """What the readers will have read in the end; 0 where that is not known."""


def log_folder(work: Path, stage: Stage) -> Path:
    """Return where a stage's logs, times and marks of finished tasks lie."""
    return work / "logs" / stage.name
