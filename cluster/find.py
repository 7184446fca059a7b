"""Finds the jobs of a run by its name or its folder."""

from pathlib import Path

from ..data.errors import UserError
from .record import JobRecord, find_records
from .status import TaskStatus, task_statuses


def find_run(run: str, *, root: Path) -> Path:
    """Return the folder of a run.

    Raises:
        UserError: there is none.
    """
    for folder in (Path(run), root / run):
        if folder.is_dir():
            return folder
    raise UserError(f"there is no run {run!r}, neither as a folder nor below {root}/")


def records_of(folder: Path) -> list[JobRecord]:
    """Return the jobs whose files lie in a run folder, or that have a task for it; oldest first."""
    own = list(find_records(folder))
    resolved = folder.resolve()
    above = [
        record
        for parent in resolved.parents[:2]
        for record in find_records(parent, below=False)
        if any(Path(task.run_folder) == resolved for task in record.tasks)
    ]
    return sorted([*own, *above], key=lambda record: (record.submitted_at, int(record.job)))


def statuses_of(folder: Path) -> list[TaskStatus]:
    """Return where the tasks of a run stand, those of other runs in the same array left out."""
    resolved = folder.resolve()
    return [
        status
        for record in records_of(folder)
        for status in task_statuses(record)
        if status.run_folder == resolved or resolved in status.run_folder.parents
    ]
