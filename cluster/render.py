"""Renders a job as a batch script for SLURM from the template ``job.sbatch``."""

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..data.config_files import CONFIG_FOLDER_VARIABLE
from ..data.errors import UserError
from .job import Job, Launch
from .settings import ClusterConfig, ContainerRuntime

SCRIPT_NAME = "job.sbatch"
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_MODE": "offline",
}
"""Compute nodes have no network, or should not need one: what is fetched is fetched before."""
_OWN_SBATCH = {"array", "chdir", "dependency", "job-name", "nodes", "ntasks-per-node", "open-mode"}
_OWN_SBATCH |= {"output", "error", "requeue", "no-requeue", "signal", "time", "kill-on-invalid-dep"}
_OWN_SRUN = {"cpus-per-task", "kill-on-bad-exit", "nodes", "ntasks", "ntasks-per-node", "wait"}


def render_script(job: Job, cluster: ClusterConfig, *, working_folder: Path) -> str:
    """Return the batch script of a job.

    Args:
        job: its words are quoted for the shell.
        cluster: where it runs.
        working_folder: what relative paths in the words start from.

    Raises:
        UserError: a path or an option that cannot stand in a script.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    return environment.get_template(SCRIPT_NAME).render(
        title=f"lokal {job.recipe}, of the run {job.run}",
        directives=list(_directives(job, cluster, working_folder)),
        python=cluster.python or sys.executable,
        folder=job.folder,
        tasks=job.tasks,
        launch=job.launch.name,
        module=job.module,
        max_restarts=cluster.max_restarts,
        restart_failed=cluster.restart_failed,
        signal_seconds=cluster.signal_seconds,
        setup=cluster.setup,
        environment=_environment(job, cluster),
        head_address=cluster.head_address,
        ranks=cluster.ranks_per_node,
        srun=" ".join(_srun(job, cluster, working_folder)),
        inside=_inside(job, cluster, working_folder),
        shown_command=f"lokal {job.recipe}",
    )


def _directives(job: Job, cluster: ClusterConfig, working_folder: Path) -> Iterator[str]:
    """Yield the options of sbatch; no variable is expanded in them."""
    name = re.sub(r"[^\w.-]+", "-", f"lokal-{job.step}-{job.run}")
    log = f"log{'-%a' if job.is_array else ''}.txt"
    yield f"--job-name={name}"
    yield f"--chdir={_quoted(working_folder)}"
    yield f'--output={_quoted(job.folder, pattern=True)[:-1]}/{log}"'
    yield "--open-mode=append"
    yield "--requeue"
    yield f"--signal=B:USR1@{cluster.signal_seconds}"
    if job.is_array:
        yield f"--array=0-{len(job.tasks) - 1}"
    if job.time_limit:
        yield f"--time={job.time_limit}"
    yield from _resources(job, cluster)
    for option in ("account", "qos", "constraint"):
        if value := getattr(cluster, option):
            yield f"--{option}={value}"
    yield from _further("sbatch", cluster.sbatch, own=_OWN_SBATCH)


def _resources(job: Job, cluster: ClusterConfig) -> Iterator[str]:
    if not job.uses_gpus:
        yield "--nodes=1"
        yield "--ntasks-per-node=1"
        if cluster.cpu_cores:
            yield f"--cpus-per-task={cluster.cpu_cores}"
        if partition := cluster.cpu_partition or cluster.partition:
            yield f"--partition={partition}"
        return
    yield f"--nodes={cluster.nodes}"
    yield f"--ntasks-per-node={_tasks_per_node(job, cluster)}"
    if cpus := _cpus_per_task(job, cluster):
        yield f"--cpus-per-task={cpus}"
    if cluster.gpus_per_node:
        yield f"--gpus-per-node={cluster.gpus_per_node}"
    if cluster.memory_gb_per_node:
        yield f"--mem={cluster.memory_gb_per_node}G"
    if cluster.partition:
        yield f"--partition={cluster.partition}"


def _tasks_per_node(job: Job, cluster: ClusterConfig) -> int:
    return cluster.ranks_per_node if job.launch is Launch.shared else 1


def _cpus_per_task(job: Job, cluster: ClusterConfig) -> int:
    if job.launch is Launch.single:
        return cluster.cpu_cores
    ranks = cluster.ranks_per_node // _tasks_per_node(job, cluster)
    return cluster.cpus_per_process * ranks


def _srun(job: Job, cluster: ClusterConfig, working_folder: Path) -> Iterator[str]:
    """Yield the words of srun, quoted; it does not take the job's --cpus-per-task by itself."""
    yield "srun --kill-on-bad-exit=1 --wait=60"
    yield f"--ntasks-per-node={_tasks_per_node(job, cluster)}"
    if cpus := _cpus_per_task(job, cluster):
        yield f"--cpus-per-task={cpus}"
    if cluster.container and cluster.container_runtime is ContainerRuntime.pyxis:
        yield shlex.quote(f"--container-image={cluster.container}")
        yield shlex.quote(f"--container-mounts={','.join(_mounts(job, cluster, working_folder))}")
        yield shlex.quote(f"--container-workdir={working_folder}")
    yield from map(shlex.quote, _further("srun", cluster.srun, own=_OWN_SRUN))


def _inside(job: Job, cluster: ClusterConfig, working_folder: Path) -> str:
    """Return what runs the interpreter in a container; empty where nothing does."""
    if not cluster.container or cluster.container_runtime is ContainerRuntime.pyxis:
        return ""
    binds = ",".join(_mounts(job, cluster, working_folder))
    nv = " --nv" if job.uses_gpus and cluster.gpus_per_node else ""
    words = [f"--bind={binds}", f"--pwd={working_folder}", cluster.container]
    if "'" in "".join(words):
        raise UserError(f"a path of the container holds a quote: {' '.join(words)}")
    quote = _in_single_quotes if job.launch is Launch.torchrun else shlex.quote
    return f"apptainer exec{nv} {' '.join(map(quote, words))} "


def _in_single_quotes(word: str) -> str:
    """Return a word for the inner shell of ``bash -c '…'``."""
    if re.search(r'["$`\\]', word):
        raise UserError(f"a path of the container holds what a shell would expand: {word}")
    return f'"{word}"'


def _mounts(job: Job, cluster: ClusterConfig, working_folder: Path) -> list[str]:
    own = dict.fromkeys([working_folder, *(task.run_folder for task in job.tasks), job.folder])
    return [*(f"{folder}:{folder}" for folder in own), *cluster.container_mounts]


def _environment(job: Job, cluster: ClusterConfig) -> dict[str, str]:
    """Return the variables of every rank; those of the shell that submits come by sbatch."""
    found = {"PYTHONUNBUFFERED": "1"} | _OFFLINE
    if job.uses_gpus and cluster.cpus_per_process:
        found["OMP_NUM_THREADS"] = str(cluster.cpus_per_process)
    if own := os.environ.get(CONFIG_FOLDER_VARIABLE):
        found[CONFIG_FOLDER_VARIABLE] = own
    return found | cluster.environment


def _further(where: str, options: dict[str, str], *, own: set[str]) -> Iterator[str]:
    """Yield the user's own options.

    Raises:
        UserError: one that lokal sets itself.
    """
    for name, value in options.items():
        if name in own:
            raise UserError(f"cluster.{where}.{name} is set by lokal itself: leave it out")
        yield f"--{name}={value}" if value else f"--{name}"


def _quoted(path: Path, *, pattern: bool = False) -> str:
    """Return a path for an #SBATCH line; SLURM reads % in the name of the log.

    Raises:
        UserError: it holds what such a line cannot say.
    """
    text = str(path)
    if re.search(r'["\\\n]', text):
        raise UserError(f"{text!r} cannot stand in an #SBATCH line: choose another root= or name=")
    return '"' + (text.replace("%", "%%") if pattern else text) + '"'
