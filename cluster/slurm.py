"""SLURM's commands: submit, ask, cancel; each answer read, each refusal one line."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..data.errors import RunError, UserError

_GONE = re.compile(r"invalid job id", re.IGNORECASE)
_SECONDS_TO_ANSWER = 60


class QueuedTask(NamedTuple):
    """What SLURM says of a job, or of one task of an array."""

    number: int
    """Of the task in its array; 0 where the job is none."""
    state: str
    """PENDING, RUNNING, COMPLETING, COMPLETED, FAILED ..."""
    reason: str
    """Why it waits, or ended."""
    restarts: int
    nodes: str

    @property
    def is_active(self) -> bool:
        """Return whether it waits or runs."""
        return self.state in _ACTIVE


_ACTIVE = {
    "PENDING",
    "CONFIGURING",
    "RUNNING",
    "SUSPENDED",
    "COMPLETING",
    "REQUEUED",
    "REQUEUE_HOLD",
    "REQUEUE_FED",
    "SPECIAL_EXIT",
    "RESIZING",
    "STOPPED",
    "SIGNALING",
    "STAGE_OUT",
}


def submit_script(script: Path, *, options: Sequence[str] = ()) -> str:
    """Hand a batch script to SLURM and return its number.

    Raises:
        UserError: there is no ``sbatch`` here, or it refuses the job.
    """
    if shutil.which("sbatch") is None:
        raise UserError("cluster=slurm needs sbatch on this machine: log in to the cluster")
    result = _call("sbatch", "--parsable", *options, str(script), env=clean_environment())
    if result.returncode:
        raise UserError(
            f"sbatch refuses {script}: {_reason(result.stderr)}: correct cluster.partition, "
            "cluster.time_limit and the like, or cluster.sbatch"
        )
    number = result.stdout.strip().partition(";")[0]
    if not number.isdigit():
        raise RunError(f"sbatch answered {result.stdout.strip()!r}, which holds no job number")
    return number


def clean_environment() -> dict[str, str]:
    """Return this shell's variables without what a session on the cluster has left over.

    A job inherits them, and sbatch takes options from SBATCH_* before those of the script.
    """
    kept = {"SLURM_CONF", "SBATCH_EXPORT"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith(("SLURM_", "SBATCH_", "PMI_", "TORCHELASTIC_"))
    }


def look_up(job: str) -> list[QueuedTask] | None:
    """Return what SLURM knows of a job; empty where it has forgotten it, None if nobody answers.

    ``squeue`` and ``scontrol`` know waiting, running and just ended jobs; ``sacct``, where there is
    one, also older ones.
    """
    shown = _call("scontrol", "show", "job", "--oneliner", job)
    if shown.returncode == 0 and (found := read_shown(shown.stdout)):
        return found
    queue = _call("squeue", "--noheader", "--array", "--states=all", "--jobs", job, *_QUEUE_FORMAT)
    if queue.returncode == 0 and (found := read_queue(queue.stdout)):
        return found
    past = _call("sacct", "--allocations", "--noheader", "--parsable2", "--jobs", job, *_SACCT)
    if past.returncode == 0 and (found := read_accounts(past.stdout)):
        return found
    answered = (shown, queue)
    if any(not answer.returncode or _GONE.search(answer.stderr) for answer in answered):
        return []
    return None


_QUEUE_FORMAT = ("--format", "%K|%T|%r|%N")
_SACCT = ("--format", "JobID,State,NodeList")


def read_shown(text: str) -> list[QueuedTask]:
    """Read ``scontrol show job --oneliner``: a line a task, or a line for all that still wait."""
    found: list[QueuedTask] = []
    for line in text.splitlines():
        values = dict(re.findall(r"(\w+)=(\S+)", line))
        if "JobState" not in values:
            continue
        one = QueuedTask(
            0,
            values["JobState"],
            values.get("Reason", "None"),
            int(values.get("Restarts", "0")),
            values.get("NodeList", "").replace("(null)", ""),
        )
        numbers = task_numbers(values.get("ArrayTaskId", "0"))
        found += [one._replace(number=number) for number in numbers]
    return sorted(found)


def read_queue(text: str) -> list[QueuedTask]:
    """Read the lines of ``squeue`` in our format."""
    found: list[QueuedTask] = []
    for line in text.splitlines():
        parts = line.strip().split("|")
        if len(parts) == 4:
            number = int(parts[0]) if parts[0].isdigit() else 0
            found.append(QueuedTask(number, parts[1], parts[2], 0, parts[3]))
    return sorted(found)


def read_accounts(text: str) -> list[QueuedTask]:
    """Read the lines of ``sacct``; a requeued job may stand there as PREEMPTED for ever."""
    found: list[QueuedTask] = []
    for line in text.splitlines():
        job, _, rest = line.strip().partition("|")
        state, _, nodes = rest.partition("|")
        numbers = task_numbers(job.partition("_")[2].strip("[]") or "0")
        found += [QueuedTask(number, state.split(" ")[0], "", 0, nodes) for number in numbers]
    return sorted(found)


def task_numbers(text: str) -> list[int]:
    """Return ``[0, 1, 2, 5]`` for ``0-2,5%1``."""
    numbers: list[int] = []
    for part in text.partition("%")[0].split(","):
        first, sign, last = part.partition("-")
        if first.isdigit():
            numbers += range(int(first), int(last if sign and last.isdigit() else first) + 1)
    return numbers


def cancel_jobs(jobs: Sequence[str]) -> None:
    """End jobs or tasks at once.

    Raises:
        RunError: SLURM does not take the request.
    """
    result = _call("scancel", *jobs)
    if result.returncode and not _GONE.search(result.stderr):
        raise RunError(f"scancel {' '.join(jobs)}: {_reason(result.stderr)}")


def _call(
    program: str, *words: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run one of SLURM's programs; one that is missing or hangs is one that fails."""
    command = [program, *words]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=env,
            timeout=_SECONDS_TO_ANSWER,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"there is no {program} here")
    except subprocess.TimeoutExpired:
        why = f"{program} did not answer within {_SECONDS_TO_ANSWER} s"
        return subprocess.CompletedProcess(command, 124, "", why)


def _reason(stderr: str) -> str:
    """Return SLURM's own words without the program's name before them."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return re.sub(r"^\w+: (error: )?", "", lines[-1]) if lines else "it gives no reason"
