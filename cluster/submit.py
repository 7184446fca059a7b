"""Hands jobs to SLURM in their order; work that is done, queued or running is not queued again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ..data.errors import RunError, UserError
from ..data.manifest import write_text
from ..data.progress import say
from .job import After, Job
from .record import JobRecord, job_key
from .render import SCRIPT_NAME, render_script
from .settings import ClusterConfig, ClusterKind
from .slurm import cancel_jobs, look_up, submit_script


class Standing(NamedTuple):
    """Where a job stands before it is submitted."""

    number: str
    """Of the job that has this work already; empty: none has."""
    is_done: bool


def submit_jobs(
    jobs: Sequence[Job], cluster: ClusterConfig, *, after: Sequence[str] = ()
) -> list[str]:
    """Write and submit the scripts; return the numbers of the jobs that now wait or run.

    Args:
        jobs: each behind those that it waits for.
        cluster: where they run.
        after: numbers of further jobs that must end well before any of these begins.

    Raises:
        UserError: SLURM refuses a job, or other work waits in the same place.
        RunError: nobody can say whether an earlier job still runs.
    """
    scripts = [render_script(job, cluster, working_folder=Path.cwd()) for job in jobs]
    standings = [_standing(job) for job in jobs]
    numbers: dict[str, str] = {}
    done: set[str] = set()
    new: list[str] = []
    for job, script, standing in zip(jobs, scripts, standings, strict=True):
        if standing.is_done and all(one.step in done for one in job.after):
            done.add(job.step)
            say("submit", f"{job.step} of {job.run} is done: nothing to do")
        elif standing.number:
            numbers[job.step] = standing.number
            say("submit", f"job {standing.number} has {job.step} of {job.run}: not queued again")
        else:
            try:
                number = _submit(job, script, options=_options(job.after, numbers, after))
            except UserError:
                if new:
                    cancel_jobs(new)
                raise
            numbers[job.step] = number
            new.append(number)
    return list(numbers.values())


def _submit(job: Job, script: str, *, options: Sequence[str]) -> str:
    for folder in (job.folder, *(task.run_folder for task in job.tasks)):
        folder.mkdir(parents=True, exist_ok=True)
    path = job.folder / SCRIPT_NAME
    write_text(path, script)
    for number in range(len(job.tasks)):
        for name in ("done{}", "exit{}.json", "cancel{}"):
            (job.folder / name.format(job.suffix(number))).unlink(missing_ok=True)
    number = submit_script(path, options=options)
    JobRecord.of(job, number=number, kind=ClusterKind.slurm, now=datetime.now(UTC)).write()
    tasks = f", {len(job.tasks)} tasks" if job.is_array else ""
    say("submit", f"job {number}: {job.step} of {job.run}{tasks}; {path}")
    return number


def _options(
    waits: Sequence[After], numbers: dict[str, str], after: Sequence[str]
) -> Sequence[str]:
    """Return the dependencies as options of sbatch; a step that is done already is none."""
    parts = [f"{one.wait.value}:{numbers[one.step]}" for one in waits if one.step in numbers]
    parts += [f"afterok:{number}" for number in after]
    if not parts:
        return []
    return [f"--dependency={','.join(parts)}", "--kill-on-invalid-dep=yes"]


def _standing(job: Job) -> Standing:
    """Return whether the job's work is done, or in whose hands it is.

    Raises:
        UserError: a job with other settings waits or runs in the same folder.
        RunError: SLURM does not answer, so that an earlier job may still run.
    """
    record = JobRecord.read(job.folder)
    if record is None:
        return Standing("", is_done=False)
    is_same = record.key == job_key(job)
    if is_same and all(record.is_done(number) for number in range(len(record.tasks))):
        return Standing("", is_done=True)
    if record.kind != ClusterKind.slurm.name:
        return Standing("", is_done=False)
    found = look_up(record.job)
    if found is None:
        raise RunError(
            f"neither squeue nor scontrol answers, and job {record.job} may still have {job.step} "
            f"of {job.run}: submit again when they do"
        )
    if not any(task.is_active for task in found):
        return Standing("", is_done=False)
    if not is_same:
        raise UserError(
            f"job {record.job} has {job.step} of {job.run} with other settings: wait for it, end "
            f"it with lokal cancel {job.run}, or choose another name="
        )
    return Standing(record.job, is_done=False)
