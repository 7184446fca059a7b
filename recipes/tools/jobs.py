"""List the jobs of a run, or of all runs: state, restarts, step, loss, time left, and why."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...cluster.find import find_run, statuses_of
from ...cluster.status import Progress, TaskStatus
from ...data.errors import ExitCode, UserError

_COLUMNS = ("run", "step", "job", "state", "restarts", "training", "")


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a task; the newest jobs stand last."""
    parser = argparse.ArgumentParser(prog="lokal jobs", description=__doc__)
    parser.add_argument("run", nargs="?", help="a run's name or folder; without it, all runs")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs lie (runs)")
    words = parser.parse_args(argv)
    try:
        folder = words.root if words.run is None else find_run(words.run, root=words.root)
        statuses = statuses_of(folder)
    except UserError as error:
        print(f"lokal jobs: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    if not statuses:
        print(f"no job was submitted from {folder}")
        return ExitCode.DONE
    rows = [_COLUMNS, *(_row(status) for status in statuses)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return ExitCode.DONE


def _row(status: TaskStatus) -> tuple[str, ...]:
    record = status.record
    task = f"_{status.number}" if len(record.tasks) > 1 else ""
    job = f"{record.job}{task}" if record.kind == "slurm" else "local"
    run = f"{record.run}/{status.label}" if status.label else record.run
    return (
        run,
        record.step,
        job,
        status.state,
        str(status.restarts),
        _training(status.progress, is_active=status.is_active),
        status.note,
    )


def _training(progress: Progress | None, *, is_active: bool) -> str:
    if progress is None:
        return ""
    text = f"{progress.step} of {progress.total_steps}"
    if progress.loss is not None:
        text += f", loss {progress.loss:.4f}"
    if is_active and progress.seconds_left is not None:
        text += f", {_time(progress.seconds_left)} left"
    return text


def _time(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if seconds >= 60 else f"{seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
