"""Submit a recipe, or the whole chain, as jobs of a cluster that survive preemption."""

import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..cluster.job import Job, Launch
from ..cluster.local import local_command, run_jobs
from ..cluster.render import render_script
from ..cluster.settings import ClusterConfig, ClusterKind
from ..cluster.submit import submit_jobs
from ..data.errors import ExitCode, UserError
from ..data.gpu import GpuConfig
from .chain import chain_jobs
from .entry import recipe
from .pipeline import pipeline
from .prepare import prepare
from .prepare_on_cluster import array_words, runs_arrays
from .recipe_job import SweepConfig, check_inputs, recipe_job


@dataclass(kw_only=True, slots=True)
class SubmitConfig:
    """Which recipe goes where; every other key is that recipe's."""

    recipe: str
    cluster: ClusterConfig
    gpu: GpuConfig | None = None
    """The kind of GPU, for a time limit that is planned."""
    dry_run: bool = False
    """Print the scripts and submit nothing."""
    after: list[int] = field(default_factory=list)
    """Numbers of jobs that must end well first."""
    sweep: SweepConfig = field(default_factory=SweepConfig)
    words: list[str] = field(default_factory=list)


@recipe(
    SubmitConfig,
    carries=True,
    examples=(
        "lokal submit recipe=finetune cluster.nodes=2 cluster.time_limit=04:00:00 strategy=fsdp "
        "region=id name=first dry_run=true",
        "lokal submit recipe=finetune cluster.time_limit=04:00:00 sweep.region=[id,hi,tl] "
        "strategy=fsdp name=three",
        "lokal submit recipe=pipeline cluster=slurm cluster.time_limit=1-00 name=all",
        "lokal submit recipe=pipeline cluster=local experiment=quickstart",
    ),
)
def submit(config: SubmitConfig) -> ExitCode | None:
    """Submit a recipe, or the whole chain, as jobs of a cluster that survive preemption."""
    if runs_arrays(config.recipe, config.words):
        return _prepare(config)
    jobs = _jobs(config)
    if config.dry_run:
        for job in jobs:
            print(_shown(job, config.cluster), end="")
        return None
    if not config.after:
        check_inputs(jobs[0])
    if config.cluster.kind is ClusterKind.local:
        return run_jobs(jobs)
    submit_jobs(jobs, config.cluster, after=[str(number) for number in config.after])
    return None


def _prepare(config: SubmitConfig) -> ExitCode:
    """Submit and follow the arrays of ``prepare engine=slurm``, with the cluster's settings."""
    words = array_words(config.words, config.cluster)
    if config.dry_run:
        print(shlex.join(["lokal", "prepare", *words]))
        return ExitCode.DONE
    return prepare(prepare.compose(words))


def _jobs(config: SubmitConfig) -> list[Job]:
    cluster, sweep = config.cluster, config.sweep
    if config.recipe == "pipeline":
        if sweep.region or sweep.seed:
            raise UserError("recipe=pipeline goes through regions=[...] by itself: leave out sweep")
        jobs = chain_jobs(pipeline.compose(config.words), cluster)
    else:
        jobs = [recipe_job(config.recipe, config.words, sweep=sweep, cluster=cluster)]
    return [replace(job, time_limit=_time_limit(job, config)) for job in jobs]


def _shown(job: Job, cluster: ClusterConfig) -> str:
    """Return a job's script, or the commands where there is no SLURM."""
    if cluster.kind is ClusterKind.slurm:
        return render_script(job, cluster, working_folder=Path.cwd())
    return "".join(
        f"{shlex.join(local_command(job, number))}\n" for number in range(len(job.tasks))
    )


def _time_limit(job: Job, config: SubmitConfig) -> str:
    """Return the limit to ask for: the user's, or what the longest of the trainings needs.

    Steps without ranks may have the partition's own.

    Raises:
        UserError: a training's time cannot be planned.
    """
    cluster = config.cluster
    is_planned = cluster.kind is ClusterKind.slurm and job.launch is Launch.torchrun
    if cluster.time_limit or not is_planned:
        return cluster.time_limit
    from .plan import plan_time_limit  # reads corpora with numpy, which no help needs

    limits = [plan_time_limit(list(task.words), cluster, config.gpu) for task in job.tasks]
    return max(limits, key=lambda limit: [int(part) for part in limit.split(":")])


if __name__ == "__main__":
    sys.exit(submit.main())
