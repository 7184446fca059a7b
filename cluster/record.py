"""``job.json`` beside a job's script: what was submitted, as which number, and what it was told."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ..data.manifest import MANIFEST_NAME, sha256_of_json, write_json
from .job import JOBS_FOLDER, Job
from .settings import ClusterKind

RECORD_NAME = "job.json"


class Outcome(NamedTuple):
    """How a task ended, as its own script wrote it down."""

    state: str
    """finished, failed, stopped, requeued, or cancelled."""
    code: int
    why: str
    step: int
    job: str
    restarts: int
    time: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task of a submitted job."""

    label: str
    run_folder: str
    words: list[str]
    product: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """One submitted job."""

    job: str
    """SLURM's number; of a local one the process'."""
    kind: str
    step: str
    run: str
    recipe: str
    key: str
    """Of what it was told: an equal one is the same work."""
    tasks: list[TaskRecord]
    submitted_at: str
    folder: Path

    @classmethod
    def of(
        cls, job: Job, *, number: str, now: datetime, kind: ClusterKind = ClusterKind.local
    ) -> "JobRecord":
        """Return the record of a job that was just submitted."""
        return cls(
            job=number,
            kind=kind.name,
            step=job.step,
            run=job.run,
            recipe=job.recipe,
            key=job_key(job),
            tasks=[
                TaskRecord(
                    task.label, str(task.run_folder), list(task.words), str(task.product or "")
                )
                for task in job.tasks
            ],
            submitted_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            folder=job.folder,
        )

    @classmethod
    def read(cls, folder: Path) -> "JobRecord | None":
        """Return the record in a job's folder; None where nothing was submitted."""
        path = folder / RECORD_NAME
        if not path.is_file():
            return None
        values = json.loads(path.read_text(encoding="utf-8"))
        values["tasks"] = [TaskRecord(**task) for task in values["tasks"]]
        return cls(**values, folder=folder)

    def write(self) -> None:
        """Write the record whole or not at all."""
        values = asdict(self)
        del values["folder"]
        write_json(self.folder / RECORD_NAME, values)

    def suffix(self, number: int) -> str:
        """Return what the files of a task end with."""
        return f"-{number}" if len(self.tasks) > 1 else ""

    def log(self, number: int) -> Path:
        """Return the log of a task."""
        return self.folder / f"log{self.suffix(number)}.txt"

    def outcome(self, number: int) -> Outcome | None:
        """Return how a task ended; None if its script has not said so."""
        path = self.folder / f"exit{self.suffix(number)}.json"
        if not path.is_file():
            return None
        return Outcome(**json.loads(path.read_text(encoding="utf-8")))

    def write_outcome(self, number: int, outcome: Outcome) -> None:
        """Write down how a task ended, as a script on a cluster does."""
        write_json(self.folder / f"exit{self.suffix(number)}.json", outcome._asdict())

    def last_step(self, number: int) -> int:
        """Return the last training step that a task's run has saved; 0 where it trains nothing."""
        path = Path(self.tasks[number].run_folder) / "state.json"
        if self.recipe != "finetune" or not path.is_file():
            return 0
        return int(json.loads(path.read_text(encoding="utf-8"))["step"])

    def is_done(self, number: int) -> bool:
        """Return whether a task's work is there, whatever SLURM says."""
        product = self.tasks[number].product
        return (self.folder / f"done{self.suffix(number)}").is_file() and (
            not product or (Path(product) / MANIFEST_NAME).is_file()
        )


def job_key(job: Job) -> str:
    """Return the hash of what a job's tasks are told."""
    return sha256_of_json([job.module, [list(task.words) for task in job.tasks]])


def find_records(folder: Path, *, below: bool = True) -> Iterator[JobRecord]:
    """Yield the records of all jobs in a run folder, and of the runs below it; oldest first."""
    pattern = f"{JOBS_FOLDER}/*/{RECORD_NAME}"
    paths = folder.glob(f"**/{pattern}" if below else pattern)
    found = [record for path in paths if (record := JobRecord.read(path.parent))]
    yield from sorted(found, key=lambda record: (record.submitted_at, int(record.job)))
