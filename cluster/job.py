"""A job: one step of the work with its tasks, before anything says where it runs."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

JOBS_FOLDER = "jobs"


class Launch(Enum):
    """How a job's processes are started."""

    torchrun = "torchrun"
    """One torchrun a node starts the ranks; they stop and save when the run's file asks."""
    shared = "shared"
    """One process a rank; they only share a folder and may be killed at any time."""
    single = "single"
    """One process on one node, which may be killed at any time."""


class Wait(Enum):
    """What a job waits for; SLURM's own words."""

    each = "aftercorr"
    """Each task for the same task of the other job, done well."""
    all = "afterok"
    """The whole other job, done well."""
    end = "afterany"
    """The end of the other job, however it ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class After:
    """A job that comes first."""

    step: str
    wait: Wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One command of a job; a job of several tasks is an array."""

    label: str
    """Region or seed; empty where the job has one task."""
    run_folder: Path
    words: tuple[str, ...]
    """Settings of the recipe, as on its command line."""
    product: Path | None = None
    """Folder that has a manifest when the task is done."""
    inputs: tuple[Path, ...] = ()
    """Folders that must have one before the task is queued."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One step: a recipe with its tasks, which run side by side."""

    step: str
    """Its name in the run: finetune, evaluate-parent."""
    run: str
    """The run's name."""
    module: str
    """What ``python -m`` runs."""
    launch: Launch
    tasks: tuple[Task, ...]
    folder: Path
    """``runs/NAME/jobs/STEP``: script, log, and how it ended."""
    after: tuple[After, ...] = ()
    time_limit: str = ""
    """hours:minutes:seconds; empty: the partition's own."""

    @property
    def is_array(self) -> bool:
        """Return whether the job has more than one task."""
        return len(self.tasks) > 1

    @property
    def recipe(self) -> str:
        """Return what follows ``lokal`` on a command line."""
        return self.module.rpartition(".")[2]

    @property
    def uses_gpus(self) -> bool:
        """Return whether the cluster's GPUs and ranks are for this job."""
        return self.launch is not Launch.single

    def suffix(self, number: int) -> str:
        """Return what the files of a task end with: ``-0``; nothing where there is one task."""
        return f"-{number}" if self.is_array else ""
