"""The logs of a run's jobs as they grow, with a line wherever a job changes its state."""

import time
from collections.abc import Callable
from pathlib import Path

from .find import statuses_of
from .status import TaskStatus

_SECONDS_BETWEEN_QUESTIONS = 5.0
"""SLURM's controller serves everybody: it is asked seldom."""
_LAST_LINES = 40


class JobLogs:
    """Reads the logs of all jobs of a run.

    Args:
        folder: the run's.
        clock: seconds that only grow.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._asked_at = -1.0
        self._statuses: list[TaskStatus] = []
        self._states: dict[str, str] = {}
        self._ends: dict[Path, int] = {}

    @property
    def has_jobs(self) -> bool:
        """Return whether the run was ever submitted; true after the first look at the earliest."""
        return bool(self._statuses)

    @property
    def is_active(self) -> bool:
        """Return whether a job of the run waits or runs."""
        return any(status.is_active for status in self._statuses)

    def new_lines(self) -> list[str]:
        """Return what is new: first states that have changed, then lines of the logs."""
        lines = self._new_states()
        for status in self._statuses:
            lines += self._new_lines(status)
        return lines

    def _new_states(self) -> list[str]:
        now = self._clock()
        if self._asked_at >= 0 and now - self._asked_at < _SECONDS_BETWEEN_QUESTIONS:
            return []
        self._asked_at = now
        self._statuses = statuses_of(self._folder)
        lines: list[str] = []
        for status in self._statuses:
            text = f"{status.state} {status.note}".strip()
            if self._states.get(_name(status)) != text:
                self._states[_name(status)] = text
                lines.append(f"{_name(status)}: {text}")
        return lines

    def _new_lines(self, status: TaskStatus) -> list[str]:
        """Return the whole lines that a log has gained; of an old log only the last."""
        path = status.record.log(status.number)
        if not path.is_file():
            return []
        is_first = path not in self._ends
        with path.open("rb") as stream:
            stream.seek(self._ends.get(path, 0))
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._ends[path] = self._ends.get(path, 0) + len(whole)
        text = whole.decode("utf-8", errors="replace")
        lines = [_last_state(line) for line in text.split("\n")]
        if is_first and len(lines) > _LAST_LINES:
            lines = [
                f"({len(lines) - _LAST_LINES} lines before these: {path})",
                *lines[-_LAST_LINES:],
            ]
        prefix = f"{_name(status)} | " if len(self._statuses) > 1 else ""
        return [prefix + line for line in lines if line]


def _name(status: TaskStatus) -> str:
    label = f" {status.label}" if status.label else ""
    return f"{status.record.step}{label}"


def _last_state(line: str) -> str:
    """Return what a line showed last: a bar writes over itself."""
    return line.rstrip("\r").rpartition("\r")[2].rstrip()
