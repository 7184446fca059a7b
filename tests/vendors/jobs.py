"""Batches of all vendors: made, looked at a few times, then ended."""

import itertools
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from .said import Prompt, Said, Tokens


class Line(NamedTuple):
    """One question of a batch."""

    custom_id: str
    prompt: Prompt


class LineResult(NamedTuple):
    """What became of it."""

    custom_id: str
    prompt: Prompt
    said: Said | None
    tokens: Tokens | None
    problem: str = ""
    """expired, cancelled or errored, where nothing is said."""
    code: int = 0
    message: str = ""
    reason: str = ""


@dataclass(slots=True)
class Job:
    """A batch."""

    id: str
    vendor: str
    lines: list[Line]
    note: dict[str, str]
    """What the client gave it: metadata, a display name."""
    polls_left: int
    state: str = "running"
    """running, ended, expired, cancelled, failed."""
    results: list[LineResult] = field(default_factory=list)
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Jobs:
    """All batches, the newest first; they live as long as the server.

    Args:
        polls: how often a batch is looked at before it has ended.
        ends: how it ends: ended, expired (half of it) or failed (as a whole).
    """

    def __init__(self, *, polls: int = 1, ends: str = "ended") -> None:
        self.polls, self.ends = polls, ends
        self.files: dict[str, bytes] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def new_id(self, prefix: str) -> str:
        with self._lock:
            return f"{prefix}{next(self._numbers):06d}"

    def add(self, job: Job) -> Job:
        with self._lock:
            self._jobs[job.id] = job
        return job

    def of(self, vendor: str) -> list[Job]:
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.vendor == vendor]

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def look(self, job: Job) -> bool:
        """Count a look at the batch; return whether it ends with this one."""
        with self._lock:
            if job.state != "running":
                return False
            job.polls_left -= 1
            if job.polls_left > 0:
                return False
            job.state = self.ends
            return True


def shuffled(results: list[LineResult], *, seed: str) -> list[LineResult]:
    """Return the results out of order, as vendors give them."""
    mixed = list(results)
    random.Random(seed).shuffle(mixed)
    return mixed
