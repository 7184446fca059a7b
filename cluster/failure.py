"""Why a task of a job did not end well, from the nearest thing that knows."""

import json
import re
from pathlib import Path

from .record import JobRecord
from .slurm import look_up

_ERROR = re.compile(r"lokal \w+: (?P<why>.+)")
_BYTES = 65536
"""Of a log's end that are searched."""


def why_not(record: JobRecord, number: int) -> str:
    """Return the reason in one line; empty where the task ended well."""
    outcome = record.outcome(number)
    if outcome is not None and outcome.state == "finished":
        return ""
    if outcome is not None and outcome.state == "failed":
        return _said(record, number) or outcome.why
    if outcome is not None:
        return f"{outcome.state}: {outcome.why}"
    found = look_up(record.job) if record.kind == "slurm" else None
    for task in found or []:
        if task.number == number:
            reason = "" if task.reason == "None" else f" ({task.reason})"
            return f"SLURM says {task.state}{reason}; its log, if it has one: {record.log(number)}"
    return f"ended without a word: killed, or its node failed; its log: {record.log(number)}"


def _said(record: JobRecord, number: int) -> str:
    """Return the run's own last words: of its state file, or the last error in its log."""
    state = Path(record.tasks[number].run_folder) / "state.json"
    if record.recipe == "finetune" and state.is_file():
        found = json.loads(state.read_text(encoding="utf-8"))
        if found["state"] == "failed" and found["reason"]:
            return found["reason"]
    lines = last_lines(record.log(number), 200)
    return next((said["why"] for line in reversed(lines) if (said := _ERROR.match(line))), "")


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log; empty where there is none."""
    if not path.is_file():
        return []
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _BYTES))
        return stream.read().decode("utf-8", errors="replace").splitlines()[-count:]
