"""Where a job's tasks stand: what SLURM says, what they wrote down, how far training has come."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..training.ledger import METRICS_NAME
from ..training.run_state import STATE_NAME
from .failure import last_lines, why_not
from .record import JobRecord
from .slurm import QueuedTask, look_up

_REASONS = {
    "Resources": "waits for free nodes",
    "Priority": "others come first",
    "Dependency": "waits for the job before it",
    "BeginTime": "was requeued; SLURM waits some minutes before it starts again",
    "DependencyNeverSatisfied": "can never start: the job before it failed",
    "PartitionConfig": "can never start: the partition has not so many nodes, or not so big ones",
    "PartitionNodeLimit": "can never start: the partition has not so many nodes",
    "PartitionTimeLimit": "can never start: cluster.time_limit is above the partition's",
    "PartitionInactive": "cannot start: the partition is switched off",
    "PartitionDown": "cannot start: the partition is switched off",
    "BadConstraints": "can never start: no node is like cluster.constraint and the rest ask",
    "AssocMaxJobsLimit": "your account runs as many jobs as it may",
    "JobHeldUser": "held: scontrol release starts it",
    "JobHeldAdmin": "held by the cluster's keepers",
    "ReqNodeNotAvail": "its nodes are down or reserved",
    "NodeDown": "its nodes are down",
}
_LAST_STEPS = 50


class Progress(NamedTuple):
    """How far a training has come."""

    step: int
    total_steps: int
    loss: float | None
    seconds_left: float | None


class TaskStatus(NamedTuple):
    """Where one task stands."""

    record: JobRecord
    number: int
    state: str
    """pending, running, ...; finished, failed, stopped, cancelled, lost."""
    note: str
    restarts: int
    progress: Progress | None
    is_active: bool
    """Whether it waits or runs."""

    @property
    def label(self) -> str:
        """Return the task's region or seed."""
        return self.record.tasks[self.number].label

    @property
    def run_folder(self) -> Path:
        """Return the folder of the task's run."""
        return Path(self.record.tasks[self.number].run_folder)


def task_statuses(record: JobRecord) -> list[TaskStatus]:
    """Return where each task of a job stands."""
    queued = look_up(record.job) if record.kind == "slurm" else []
    by_number = {task.number: task for task in queued or []}
    return [
        _status(record, number, by_number.get(number), answered=queued is not None)
        for number in range(len(record.tasks))
    ]


def read_progress(run_folder: Path) -> Progress | None:
    """Return how far a run has come by its own files; None before its first step."""
    steps = [
        line for line in map(_step, last_lines(run_folder / METRICS_NAME, _LAST_STEPS)) if line
    ]
    state = run_folder / STATE_NAME
    if not steps or not state.is_file():
        return None
    total = int(json.loads(state.read_text(encoding="utf-8"))["total_steps"])
    last = steps[-1]
    whole = [line for line in steps if "loss" in line]
    seconds = [line["tokens"] / max(1e-9, line["tokens_per_second"]) for line in whole]
    left = (total - last["step"]) * sum(seconds) / len(seconds) if seconds else None
    return Progress(int(last["step"]), total, whole[-1]["loss"] if whole else None, left)


def _step(line: str) -> Mapping[str, float] | None:
    try:
        found = json.loads(line)
    except ValueError:  # still being written, or cut by the end that was read
        return None
    return found if isinstance(found, dict) and "step" in found else None


def _status(
    record: JobRecord, number: int, queued: QueuedTask | None, *, answered: bool
) -> TaskStatus:
    outcome = record.outcome(number)
    restarts = max(queued.restarts if queued else 0, outcome.restarts if outcome else 0)
    folder = Path(record.tasks[number].run_folder)
    progress = read_progress(folder) if record.recipe == "finetune" else None
    state, note, is_active = _words(record, number, queued, answered=answered)
    return TaskStatus(record, number, state, note, restarts, progress, is_active)


class _Words(NamedTuple):
    state: str
    note: str
    is_active: bool


def _words(record: JobRecord, number: int, queued: QueuedTask | None, *, answered: bool) -> _Words:
    outcome = record.outcome(number)
    if queued is not None and queued.is_active:
        return _Words(queued.state.lower(), _note(queued), is_active=True)
    if outcome is not None and outcome.state != "requeued":
        why = why_not(record, number) if outcome.state == "failed" else outcome.why
        return _Words(outcome.state, why, is_active=False)
    if queued is not None:
        is_why = queued.reason not in _REASONS or queued.reason == "DependencyNeverSatisfied"
        note = _REASONS.get(queued.reason, queued.reason) if is_why else ""
        return _Words(queued.state.lower(), note.replace("None", ""), is_active=False)
    if not answered:
        return _Words("unknown", "neither squeue nor scontrol answers", is_active=False)
    if record.kind == "local" and _is_alive(int(record.job)):
        began = record.log(number).is_file()
        return _Words("running" if began else "pending", f"process {record.job}", is_active=True)
    return _Words("lost", why_not(record, number), is_active=False)


def _note(queued: QueuedTask) -> str:
    if queued.state != "PENDING":
        return queued.nodes
    name = queued.reason.partition(",")[0].strip("()")
    known = _REASONS.get(name, "")
    return f"{name}: {known}" if known else name


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
