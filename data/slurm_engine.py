"""Runs the stages as a chain of SLURM job arrays through datatrove's SLURM executor.

Input and run folder must lie on a file system that all nodes share.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from datatrove.executor.slurm import SlurmPipelineExecutor

from .errors import RunError, UserError
from .manifest import write_json
from .progress import say
from .settings import Engine
from .stage import Stage, log_folder

_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_FOR_LATE_MARKS = 10.0
"""How long a shared file system may take to show the marks of a job that has ended."""
_ERROR_MARKS = ("UserError: ", "Error: ")


def run_on_slurm(stages: Sequence[Stage], *, work: Path, engine: Engine, label: str) -> None:
    """Submit every stage behind the one before it, and follow them to the end.

    When this process is ended, the jobs go on; the same command given again follows them.

    Raises:
        UserError: there is no ``sbatch``, or it refuses the job.
        RunError: a job ended without its work done; the message holds the task's own error.
    """
    if shutil.which("sbatch") is None:
        raise UserError("engine=slurm needs sbatch on this machine: log in to the cluster")
    executors = [_executor(stage, work=work.resolve(), engine=engine) for stage in stages]
    jobs_file = work / "slurm-jobs.json"
    jobs = _read_jobs(jobs_file)
    if any(_is_queued(job) for job in jobs.values()):
        say("prepare", f"follows the SLURM jobs {', '.join(jobs.values())} of an earlier start")
    else:
        jobs = _submit(executors)
        write_json(jobs_file, dict(jobs))
    for stage, executor in zip(stages, executors, strict=True):
        with stage.bar(label=label):
            _follow(executor, jobs)


class _SlurmExecutor(SlurmPipelineExecutor):
    """datatrove's executor without its extra job that adds up statistics."""

    def launch_merge_stats(self) -> None:
        """Do nothing: the times are added up by ``lokal`` itself."""


def _executor(stage: Stage, *, work: Path, engine: Engine) -> _SlurmExecutor:
    scripts = Path(sys.executable).parent
    return _SlurmExecutor(
        pipeline=list(stage.steps),
        tasks=stage.num_tasks,
        workers=engine.workers or -1,
        time=engine.time_limit,
        partition=engine.partition,
        mem_per_cpu_gb=engine.memory_gb,
        job_name=f"lokal-{stage.name}",
        qos="",
        env_command="\n".join([f'export PATH="{scripts}:$PATH"', *engine.setup]),
        sbatch_args={"open-mode": "append", "kill-on-invalid-dep": "yes", **engine.sbatch},
        logging_dir=str(log_folder(work, stage)),
        mail_type="NONE",
    )


def _submit(executors: Sequence[_SlurmExecutor]) -> dict[str, str]:
    """Submit what is not done; return job numbers by name."""
    jobs: dict[str, str] = {}
    before: str | None = None
    for executor in executors:
        executor.depends_job_id = before
        try:
            executor.launch_job()
        except subprocess.CalledProcessError as error:
            _cancel(jobs.values())
            raise UserError(
                f"sbatch refused {executor.job_name} (its reason stands above): "
                "correct engine.partition, engine.time_limit or engine.sbatch"
            ) from error
        if executor.job_id != -1:
            before = str(executor.job_id)
            jobs[executor.job_name] = before
    if jobs:
        say("prepare", f"submitted {', '.join(f'{job} ({name})' for name, job in jobs.items())}")
    return jobs


def _follow(executor: _SlurmExecutor, jobs: Mapping[str, str]) -> None:
    job = jobs.get(executor.job_name)
    ended_at: float | None = None
    while missing := executor.get_incomplete_ranks():
        if job is None or not _is_queued(job):
            ended_at = ended_at or time.monotonic()
            if time.monotonic() - ended_at > _SECONDS_FOR_LATE_MARKS:
                _cancel(jobs.values())
                raise RunError(
                    f"SLURM job {job} ({executor.job_name}) ended without task {missing[0]}: "
                    f"{_reason(Path(str(executor.logging_dir.path)), missing[0])}"
                )
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _reason(folder: Path, rank: int) -> str:
    """Return the error line of the task's log, or where to look."""
    for file in sorted(folder.glob(f"logs/task_{rank:05d}.log")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in reversed(lines):
            if any(mark in line for mark in _ERROR_MARKS) and not line.startswith(" "):
                return line.partition(": ")[2]
    return f"look at {folder}"


def _is_queued(job: str) -> bool:
    """Return whether SLURM still has the job or one of its array's tasks in its queue."""
    result = subprocess.run(
        ["squeue", "--noheader", "--jobs", job, "--format", "%T"],
        capture_output=True,
        text=True,
        check=False,
    )
    return bool(result.stdout.strip())


def _cancel(jobs: Iterable[str]) -> None:
    """End the jobs that wait behind a failed one."""
    if numbers := list(jobs):
        subprocess.run(["scancel", *numbers], check=False)


def _read_jobs(file: Path) -> dict[str, str]:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
