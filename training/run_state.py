"""``state.json`` of a run: where it stands, for schedulers and people.

torchrun turns every end but success into exit code 1 and kills processes that still save, so what
became of a run is said in a file, not by an exit code.
"""

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from ..data.errors import ExitCode, RunError, UserError
from ..data.manifest import write_json
from ..data.secrets import hide_secrets

STATE_NAME = "state.json"


class State(Enum):
    """Where a run stands."""

    running = "running"
    """At work; if no process holds the run's lock it was killed: give the command again."""
    resumable = "resumable"
    """Stopped as asked, and saved: give the command again."""
    finished = "finished"
    failed = "failed"
    """Ended with an error; ``reason`` has its line."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The state file of one run folder.

    Args:
        writes: False for all processes but the first.
    """

    folder: Path
    writes: bool = True

    def write(
        self,
        state: State,
        *,
        step: int,
        total_steps: int,
        reason: str = "",
        code: ExitCode = ExitCode.DONE,
    ) -> None:
        """Say where the run stands; the code is the one that it ended with."""
        if not self.writes:
            return
        write_json(
            self.folder / STATE_NAME,
            {
                "state": state.value,
                "step": step,
                "total_steps": total_steps,
                "reason": reason,
                "code": code,
                "host": platform.node(),
                "pid": os.getpid(),
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )

    def fail(self, error: BaseException) -> None:
        """Say that the run has failed; the step is the last one that was reported."""
        found = self._read()
        step, total_steps = (found.get(name, 0) for name in ("step", "total_steps"))
        reason = hide_secrets(" ".join(str(error).split())) or type(error).__name__
        code = ExitCode.USER_MISTAKE if isinstance(error, UserError) else ExitCode.RUN_FAILED
        if isinstance(error, RunError):
            code = error.code
        self.write(State.failed, step=step, total_steps=total_steps, reason=reason, code=code)

    def read(self) -> State | None:
        """Return where the run stands; None before its first start."""
        word = self._read().get("state")
        return None if word is None else State(word)

    def _read(self) -> dict:
        path = self.folder / STATE_NAME
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
