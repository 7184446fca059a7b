"""The whole pipeline as a chain of jobs: arrays over the regions, each task behind its own."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..cluster.job import JOBS_FOLDER, After, Job, Launch, Task, Wait
from ..cluster.settings import ClusterConfig
from ..data.base_model import resolve_checkpoint
from ..training.settings import Stack
from .compare import compare
from .evaluate import evaluate
from .finetune import finetune
from .pipeline import (
    PipelineConfig,
    baseline_words,
    child_words,
    compare_words,
    finetune_words,
    parent_words,
    prepare_words,
)
from .prepare import prepare
from .recipe_job import check_strategy, local_processes, run_folder

PER_REGION = ("prepare", "tokenise", "finetune", "evaluate-children")
"""Steps of the chain that have a task for each region, in their order."""


def chain_jobs(config: PipelineConfig, cluster: ClusterConfig) -> list[Job]:
    """Return the jobs of a pipeline, each behind those that it waits for.

    A region that fails takes its own later tasks along; the others go on, and the comparison waits
    for the end of all, however they end.

    Raises:
        UserError: one of the recipes refuses its settings.
    """
    jobs = [
        _regions(config, "prepare", prepare_task, cluster),
        _regions(config, "tokenise", tokenise_task, cluster, after="prepare"),
        _regions(config, "finetune", finetune_task, cluster, after="tokenise"),
        _job(config, "evaluate-parent", "evaluate", Launch.shared, [_parent_task(config, cluster)]),
        _regions(config, "evaluate-children", child_task, cluster, after="finetune"),
    ]
    if config.baselines:
        tasks = [_baseline_task(config, *pair) for pair in config.baselines.items()]
        jobs.append(_job(config, "evaluate-baselines", "evaluate", Launch.single, tasks))
    ends = [After(step=job.step, wait=Wait.end) for job in jobs if job.step.startswith("evaluate")]
    compare.compose(compare_words(config))
    folder = run_folder(config)
    words = (str(folder / JOBS_FOLDER), *compare_words(config))
    last = Task(label="", run_folder=folder, words=words)
    jobs.append(_job(config, "conclude", "tools.conclude", Launch.single, [last], after=ends))
    return jobs


def prepare_task(config: PipelineConfig, region: str, cluster: ClusterConfig) -> Task:
    """Return the task that prepares a region's corpus."""
    del cluster
    tuning = finetune.compose(finetune_words(config, region))
    checkpoint = resolve_checkpoint(tuning.model, reads_original=tuning.stack is Stack.torchtune)
    words = prepare_words(config, region, tokenizer=checkpoint)
    made = prepare.compose(words)
    folder = run_folder(made)
    return _task(region, folder, words, product=folder / "corpus" / region)


def tokenise_task(config: PipelineConfig, region: str, cluster: ClusterConfig) -> Task:
    """Return the task that encodes a region's corpus, once, for every rank."""
    del cluster
    words = finetune_words(config, region)
    tuning = finetune.compose(words)
    return _task(region, tuning.run_folder, words, product=tuning.tokens_folder)


def finetune_task(config: PipelineConfig, region: str, cluster: ClusterConfig) -> Task:
    """Return the task that trains a region's child."""
    words = finetune_words(config, region)
    tuning = finetune.compose(words)
    check_strategy(tuning, cluster)
    words += local_processes(tuning, words, cluster)
    return _task(region, tuning.run_folder, words, product=tuning.model_folder)


def child_task(config: PipelineConfig, region: str, cluster: ClusterConfig) -> Task:
    """Return the task that collects the replies of a region's child."""
    words = child_words(config, region)
    made = evaluate.compose(words)
    words += local_processes(made, words, cluster)
    return _task(region, run_folder(made), words, product=made.folder)


def _parent_task(config: PipelineConfig, cluster: ClusterConfig) -> Task:
    words = parent_words(config)
    made = evaluate.compose(words)
    words += local_processes(made, words, cluster)
    return _task("", run_folder(made), words, product=made.folder)


def _baseline_task(config: PipelineConfig, system: str, choice: str) -> Task:
    words = baseline_words(config, system, choice)
    made = evaluate.compose(words)
    return _task(system, run_folder(made), words, product=made.folder)


def _task(label: str, folder: Path, words: Sequence[str], *, product: Path) -> Task:
    return Task(label=label, run_folder=folder, words=tuple(words), product=product)


def _regions(
    config: PipelineConfig,
    step: str,
    task: Callable[[PipelineConfig, str, ClusterConfig], Task],
    cluster: ClusterConfig,
    *,
    after: str = "",
) -> Job:
    """Return a job with a task for each region, each behind that region's of the step before."""
    module = {"tokenise": "tools.tokenise", "evaluate-children": "evaluate"}.get(step, step)
    launches = {"finetune": Launch.torchrun, "evaluate-children": Launch.shared}
    tasks = [task(config, region, cluster) for region in config.regions]
    wait = Wait.each if len(tasks) > 1 else Wait.all
    waits = [After(step=after, wait=wait)] if after else []
    return _job(config, step, module, launches.get(step, Launch.single), tasks, after=waits)


def _job(
    config: PipelineConfig,
    step: str,
    module: str,
    launch: Launch,
    tasks: Sequence[Task],
    *,
    after: Sequence[After] = (),
) -> Job:
    return Job(
        step=step,
        run=config.name,
        module=f"lokal.recipes.{module}",
        launch=launch,
        tasks=tuple(tasks),
        folder=run_folder(config) / JOBS_FOLDER / step,
        after=tuple(after),
    )
