"""Runs a chain of jobs on this machine, one task after the other, with the files of a cluster's."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..data.errors import ExitCode, RunError
from ..data.manifest import write_text
from ..data.progress import say
from ..training.launch import die_with_parent
from .failure import why_not
from .job import Job, Wait
from .record import JobRecord, Outcome, job_key

_GOOD = (ExitCode.DONE, ExitCode.GATE_FAILED, ExitCode.INCONCLUSIVE, ExitCode.PARTIAL)


def run_jobs(jobs: Sequence[Job]) -> ExitCode:
    """Run every task whose predecessors ended well; return the last task's code.

    Raises:
        RunError: the last job failed, or a task was asked to stop (exit code 75).
    """
    good: dict[str, list[bool]] = {}
    ran: set[str] = set()
    code = ExitCode.DONE
    for job in jobs:
        before = JobRecord.read(job.folder)
        is_same = before is not None and before.key == job_key(job)
        record = _record(job)
        good[job.step] = []
        for number in range(len(job.tasks)):
            is_new = any(one.step in ran for one in job.after)
            if is_same and not is_new and record.is_done(number):
                say("submit", f"{_title(job, number)} is done: nothing to do")
                good[job.step].append(True)
                continue
            code = _run(job, record, number, good=good)
            ran.add(job.step)
            good[job.step].append(code in _GOOD)
    if not all(good[jobs[-1].step]):
        raise RunError(f"{jobs[-1].step} failed; its reason stands above", code=_known(code))
    return code


def local_command(job: Job, number: int) -> list[str]:
    """Return the words that run one task on this machine."""
    return [sys.executable, "-m", job.module, *job.tasks[number].words]


def _run(job: Job, record: JobRecord, number: int, *, good: Mapping[str, list[bool]]) -> ExitCode:
    """Run one task, or write down that it was cancelled."""
    if blocked := _blocked_by(job, number, good):
        _write(record, number, state="cancelled", code=1, why=f"{blocked} did not end well")
        say("submit", f"{_title(job, number)} is cancelled: {blocked} did not end well")
        return ExitCode.RUN_FAILED
    log = record.log(number)
    say("submit", f"{_title(job, number)} begins; its log: {log}")
    clock = time.monotonic()
    with log.open("a", encoding="utf-8") as stream:
        result = subprocess.run(
            local_command(job, number),
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            preexec_fn=die_with_parent,
        )
    return _end(job, record, number, code=result.returncode, seconds=time.monotonic() - clock)


def _end(job: Job, record: JobRecord, number: int, *, code: int, seconds: float) -> ExitCode:
    """Write down how a task ended, and say it.

    Raises:
        RunError: it saved as asked, and the chain ends with it.
    """
    title = _title(job, number)
    if code in _GOOD:
        _write(record, number, state="finished", code=code, why="its work is done")
        write_text(record.folder / f"done{record.suffix(number)}", "")
        say("submit", f"{title} is finished after {seconds:.0f} s")
    elif code == ExitCode.SAVED_RUN_AGAIN:
        _write(record, number, state="stopped", code=code, why="saved as asked")
        raise RunError(f"{title} has saved as asked: submit again to go on", code=_known(code))
    else:
        _write(record, number, state="failed", code=code, why=f"ended with code {code}")
        say("submit", f"{title} failed: {why_not(record, number)}")
    return _known(code)


def _record(job: Job) -> JobRecord:
    job.folder.mkdir(parents=True, exist_ok=True)
    record = JobRecord.of(job, number=str(os.getpid()), now=datetime.now(UTC))
    record.write()
    return record


def _write(record: JobRecord, number: int, *, state: str, code: int, why: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    step = record.last_step(number)
    record.write_outcome(number, Outcome(state, code, why, step, record.job, 0, now))


def _blocked_by(job: Job, number: int, good: Mapping[str, list[bool]]) -> str:
    """Return the step that keeps a task from running; empty where none does."""
    for after in job.after:
        before = good[after.step]
        is_met = after.wait is Wait.end or (
            before[number] if after.wait is Wait.each else all(before)
        )
        if not is_met:
            return after.step
    return ""


def _title(job: Job, number: int) -> str:
    label = job.tasks[number].label
    return f"{job.step} of {job.run}" + (f" ({label})" if label else "")


def _known(code: int) -> ExitCode:
    return ExitCode(code) if code in tuple(ExitCode) else ExitCode.RUN_FAILED
