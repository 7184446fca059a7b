"""End a run's jobs: those that train save first, unless told --now."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ...cluster.find import find_run, statuses_of
from ...cluster.slurm import cancel_jobs
from ...cluster.status import TaskStatus
from ...data.errors import ExitCode, RunError, UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Take waiting jobs out of the queue, and ask those that train to save and end."""
    parser = argparse.ArgumentParser(prog="lokal cancel", description=__doc__)
    parser.add_argument("run", help="a run's name or folder")
    parser.add_argument("--now", action="store_true", help="end at once; what was saved stays")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs lie (runs)")
    words = parser.parse_args(argv)
    try:
        _cancel(find_run(words.run, root=words.root), now=words.now)
    except (UserError, RunError) as error:
        print(f"lokal cancel: {error}", file=sys.stderr)
        return error.code if isinstance(error, RunError) else ExitCode.USER_MISTAKE
    return ExitCode.DONE


def _cancel(folder: Path, *, now: bool) -> None:
    statuses = statuses_of(folder)
    if any(status.state == "unknown" for status in statuses):
        raise RunError("neither squeue nor scontrol answers: cancel again when they do")
    active = [status for status in statuses if status.is_active]
    if not active:
        print(f"no job of {folder} waits or runs")
        return
    asked = [] if now else [status for status in active if _saves(status)]
    ended = [status for status in active if status not in asked]
    _end([status for status in ended if status.state == "pending"])  # before they can begin
    _end([status for status in ended if status.state != "pending"])
    for status in asked:
        mark = f"cancel{status.record.suffix(status.number)}"
        (status.record.folder / mark).touch()  # a preemption meanwhile does not requeue it
        status.run_folder.mkdir(parents=True, exist_ok=True)
        (status.run_folder / "stop").touch()
        print(f"{_name(status)} saves at its next step and ends; --now ends it at once")


def _saves(status: TaskStatus) -> bool:
    """Return whether a task trains, and so has something to save."""
    return status.record.recipe == "finetune" and status.state == "running"


def _end(statuses: Sequence[TaskStatus]) -> None:
    cancel = [_number(status) for status in statuses if status.record.kind == "slurm"]
    if cancel:
        cancel_jobs(cancel)
    for process in {status.record.job for status in statuses if status.record.kind == "local"}:
        os.kill(int(process), signal.SIGTERM)
    for status in statuses:
        print(f"{_name(status)} is cancelled")


def _number(status: TaskStatus) -> str:
    task = f"_{status.number}" if len(status.record.tasks) > 1 else ""
    return f"{status.record.job}{task}"


def _name(status: TaskStatus) -> str:
    label = f" ({status.label})" if status.label else ""
    return f"job {_number(status)}, {status.record.step}{label},"


if __name__ == "__main__":
    sys.exit(main())
