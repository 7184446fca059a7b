"""One recipe as a job: its words checked by composing, a task for each region and seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from ..cluster.job import JOBS_FOLDER, Job, Launch, Task
from ..cluster.settings import ClusterConfig, ClusterKind
from ..data.errors import UserError
from ..data.manifest import read_manifest
from ..evaluation.settings import CompareConfig, EvaluateConfig
from ..training.finetune_config import FinetuneConfig
from ..training.settings import StrategyKind
from .entry import Recipe
from .main import recipe_names
from .words import has, without, word

_NOT_JOBS = ("submit", "plan")


@dataclass(kw_only=True, slots=True)
class SweepConfig:
    """What one job array goes through."""

    region: list[str] = field(default_factory=list)
    seed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("region", "seed"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"sweep.{name} must name each once, got {values}")


class _Named(Protocol):
    """What every recipe's config has."""

    name: str
    root: str


class _Cell(NamedTuple):
    """One task of a sweep."""

    label: str
    words: list[str]


def load_recipe(name: str) -> Recipe:
    """Return a recipe that can be a job.

    Raises:
        UserError: there is none of that name.
    """
    names = [known for known in recipe_names() if known not in _NOT_JOBS]
    if name not in names:
        raise UserError(f"recipe={name} cannot be submitted: choose one of {', '.join(names)}")
    return getattr(import_module(f"lokal.recipes.{name}"), name)


def recipe_job(
    name: str, words: Sequence[str], *, sweep: SweepConfig, cluster: ClusterConfig
) -> Job:
    """Return the job of one recipe.

    Raises:
        UserError: the recipe refuses its words, or its work cannot run there.
    """
    recipe = load_recipe(name)
    cells = _cells(sweep)
    if not cells:
        run = cast("_Named", recipe.compose(words))
        tasks = [_task(run, words, label="", cluster=cluster)]
    else:
        kept = without(words, *(key for key in ("region", "seed") if getattr(sweep, key)))
        run = cast("_Named", recipe.compose([*kept, *cells[0].words]))
        tasks = [_cell_task(recipe, kept, cell, run=run, cluster=cluster) for cell in cells]
    step = name if name != "evaluate" else f"evaluate-{cast('EvaluateConfig', run).system}"
    return Job(
        step=step,
        run=run.name,
        module=f"lokal.recipes.{name}",
        launch=launch_of(run),
        tasks=tuple(tasks),
        folder=run_folder(run) / JOBS_FOLDER / step,
    )


def run_folder(config: object) -> Path:
    """Return ``<root>/<name>`` of any recipe's config, absolute."""
    named = cast("_Named", config)
    return (Path(named.root) / named.name).resolve()


def launch_of(config: object) -> Launch:
    """Return how a recipe's processes are started."""
    if isinstance(config, FinetuneConfig):
        return Launch.torchrun
    if isinstance(config, EvaluateConfig) and (config.checkpoint or config.model):
        return Launch.shared
    return Launch.single


def check_strategy(config: FinetuneConfig, cluster: ClusterConfig) -> None:
    """Refuse several processes for a strategy of one.

    Raises:
        UserError: the cluster starts more.
    """
    if config.strategy.kind is StrategyKind.single and cluster.world_size > 1:
        raise UserError(
            f"strategy=single runs one process, the cluster {cluster.nodes} x "
            f"{cluster.ranks_per_node}: choose strategy=fsdp or ddp, or cluster.nodes=1 "
            "cluster.processes_per_node=1"
        )


def _cells(sweep: SweepConfig) -> list[_Cell]:
    if not sweep.region and not sweep.seed:
        return []
    regions = [(code, [f"region={code}"]) for code in sweep.region] or [("", [])]
    seeds = [(f"seed-{seed}", [f"seed={seed}"]) for seed in sweep.seed] or [("", [])]
    return [
        _Cell("/".join(filter(None, (region, seed))), [*region_words, *seed_words])
        for (region, region_words), (seed, seed_words) in product(regions, seeds)
    ]


def _cell_task(
    recipe: Recipe, words: Sequence[str], cell: _Cell, *, run: _Named, cluster: ClusterConfig
) -> Task:
    """Return the task of one cell: its own name, and of several seeds the same corpus."""
    own = [*without(words, "name"), *cell.words, word("name", f"{run.name}/{cell.label}")]
    region, _, seed = cell.label.rpartition("/")
    if seed.startswith("seed-") and recipe.name == "finetune" and not has(words, "corpus_folder"):
        shared = [*own, word("name", f"{run.name}/{region}" if region else run.name)]
        config = cast("FinetuneConfig", recipe.compose(without_last_name(shared)))
        own.append(word("corpus_folder", config.corpus_folder))
    return _task(recipe.compose(own), own, label=cell.label, cluster=cluster)


def without_last_name(words: Sequence[str]) -> list[str]:
    """Return the words with the last name alone."""
    return [*without(words, "name"), [given for given in words if has([given], "name")][-1]]


def _task(config: object, words: Sequence[str], *, label: str, cluster: ClusterConfig) -> Task:
    product, inputs = None, ()
    if isinstance(config, FinetuneConfig):
        check_strategy(config, cluster)
        product, inputs = config.model_folder, tuple(config.corpus_paths)
    elif isinstance(config, EvaluateConfig | CompareConfig):
        product = config.folder
    own = [*words, *local_processes(config, words, cluster)]
    folder = run_folder(config)
    return Task(label=label, run_folder=folder, words=tuple(own), product=product, inputs=inputs)


def local_processes(config: object, words: Sequence[str], cluster: ClusterConfig) -> list[str]:
    """Return how many processes a recipe starts by itself, where no launcher of a cluster does."""
    is_told = cluster.processes_per_node or cluster.gpus_per_node
    if cluster.kind is not ClusterKind.local or not is_told or has(words, "launch.processes"):
        return []
    is_alone = isinstance(config, FinetuneConfig) and config.strategy.kind is StrategyKind.single
    if is_alone or launch_of(config) is Launch.single:
        return []
    return [f"launch.processes={cluster.ranks_per_node}"]


def check_inputs(job: Job) -> None:
    """Refuse before the queue what would be refused hours later.

    Raises:
        UserError: a corpus is unfinished.
    """
    for corpus in dict.fromkeys(path for task in job.tasks for path in task.inputs):
        if read_manifest(corpus) is None:
            raise UserError(
                f"{corpus} is unfinished (no manifest.json): lokal prepare makes it, or submit "
                "recipe=pipeline, which begins with it"
            )
