"""Tell memory, time, price and disk of a run before it is queued, and find settings that fit."""

import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from ..cluster.plan.calibrate import measured_efficiency, num_processes
from ..cluster.plan.compare import comparison_lines
from ..cluster.plan.dry_build import dry_memory
from ..cluster.plan.estimate import step_moments
from ..cluster.plan.fit import Choice, Fit, search
from ..cluster.plan.job import PlannedJob, planned_job
from ..cluster.plan.plan import Plan, make_plan, work_for
from ..cluster.plan.speed import Efficiency
from ..cluster.plan.table import plan_json, plan_lines
from ..cluster.settings import ClusterConfig, ClusterKind
from ..data.errors import ExitCode, UserError
from ..data.gpu import GpuConfig
from ..data.manifest import read_manifest, write_json
from ..training.finetune_config import FinetuneConfig
from ..training.settings import StrategyKind
from .entry import recipe
from .finetune import finetune

_ANY_REVISION = "model.revision=any"
"""A plan reads no weights: which commit they are of does not matter."""


@dataclass(kw_only=True, slots=True)
class PlanConfig:
    """Which run on which machines; every other key is that recipe's."""

    recipe: str
    cluster: ClusterConfig
    gpu: GpuConfig | None = None
    """null: the cluster has none, or its kind is not named."""
    corpus_tokens: int = 0
    """Tokens of an epoch, where the corpus is not here; 0: as the corpus tells."""
    fit: bool = False
    """Search strategy, checkpointing, offload and micro-batch, and print what fits."""
    dry: bool = False
    """Also build the run on fake tensors, and print what that finds beside the formulas."""
    calibrate: str = ""
    """A run folder of yours, whose measured speed replaces the table's."""
    json_file: str = ""
    """Also write the plan there."""
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.corpus_tokens < 0:
            raise ValueError(f"corpus_tokens must be 0 or more, got {self.corpus_tokens}")


@recipe(
    PlanConfig,
    carries=True,
    examples=(
        "lokal plan recipe=finetune gpu=h100 cluster.gpus_per_node=8 experiment=sft_full_8b "
        "corpus_tokens=20_000_000",
        "lokal plan recipe=finetune gpu=a100_80 cluster.gpus_per_node=4 fit=true "
        "experiment=sft_qlora_70b corpus_tokens=20_000_000",
        "lokal plan recipe=finetune gpu=h100 cluster.gpus_per_node=8 experiment=sft_full_8b "
        "dry=true",
        "lokal plan recipe=finetune region=id name=first calibrate=runs/quickstart/id",
    ),
)
def plan(config: PlanConfig) -> ExitCode | None:
    """Tell memory, time, price and disk of a run before it is queued; nothing is fetched."""
    if config.recipe != "finetune":
        raise UserError(
            f"recipe={config.recipe}: only finetune is planned; evaluation needs the weights in "
            "one process and a batch, see docs/plan.md"
        )
    run = _compose(config.words)
    cluster = _cluster(config, run)
    measured = _measured(Path(config.calibrate)) if config.calibrate else None
    work = work_for(run, corpus_tokens=config.corpus_tokens)
    if config.fit:
        found = search(run, cluster, config.gpu, words=config.words, work=work, measured=measured)
        return _print_fit(found, config)
    made = make_plan(run, cluster, config.gpu, work=work, measured=measured)
    print("\n".join(plan_lines(made)))
    if config.dry:
        print("\n".join(["", *_dry_lines(made.job)]))
    if made.fits is False:
        found = search(run, cluster, config.gpu, words=config.words, work=work, measured=measured)
        print("\n".join(["", *_fit_lines(found)]))
    _write(config, made)
    return None


def plan_time_limit(words: list[str], cluster: ClusterConfig, gpu: GpuConfig | None = None) -> str:
    """Return the time limit to ask SLURM for, as hours:minutes:seconds.

    Raises:
        UserError: the work or the GPU's kind is not known.
    """
    run = _compose(words)
    made = make_plan(run, cluster, gpu, work=work_for(run))
    if made.time_limit is None:
        missing = "the corpus is not here" if made.work is None else "the GPU is not named"
        raise UserError(
            f"cluster.time_limit is empty and cannot be planned, since {missing}: give "
            "cluster.time_limit=04:00:00, or find it by `lokal plan`"
        )
    return made.time_limit


def _compose(words: list[str]) -> FinetuneConfig:
    """Return the run's config; a revision that the user has yet to pin may be missing."""
    try:
        return finetune.compose(words)
    except UserError as error:
        if not re.search(r"model\.revision (has no value|is empty)", str(error)):
            raise
    return finetune.compose([*words, _ANY_REVISION])


def _cluster(config: PlanConfig, run: FinetuneConfig) -> ClusterConfig:
    """Return the cluster; where a GPU is named and none counted, one for each process."""
    cluster = config.cluster
    if config.gpu is None or cluster.gpus_per_node:
        return cluster
    single = run.strategy.kind is StrategyKind.single
    return replace(cluster, gpus_per_node=1 if single else max(1, run.launch.processes))


def _measured(folder: Path) -> Efficiency:
    """Return the speed of a run of the user's own.

    Raises:
        UserError: it is no run, or not finished enough to know its config.
    """
    resolved, manifest = folder / "config.json", read_manifest(folder / "model")
    if resolved.is_file():
        values = json.loads(resolved.read_text(encoding="utf-8"))
    elif manifest is not None:
        values = manifest.config
    else:
        raise UserError(
            f"calibrate={folder} has neither config.json nor a finished model/: name a run folder "
            "of lokal finetune"
        )
    run = cast("FinetuneConfig", finetune.restore(values, said=f"calibrate={folder}"))
    cluster = ClusterConfig(kind=ClusterKind.local, processes_per_node=num_processes(folder, run))
    run = replace(run, launch=replace(run.launch, processes=num_processes(folder, run)))
    return measured_efficiency(folder, planned_job(run, cluster), run)


def _dry_lines(job: PlannedJob) -> list[str]:
    """Return both ways of knowing the memory side by side."""
    return comparison_lines(step_moments(job), dry_memory(job))


def _print_fit(found: Fit, config: PlanConfig) -> ExitCode | None:
    print("\n".join(_fit_lines(found)))
    if found.fastest is None:
        return ExitCode.RUN_FAILED
    print("\n".join(["", *plan_lines(found.fastest.plan)]))
    if config.dry:
        print("\n".join(["", *_dry_lines(found.fastest.plan.job)]))
    _write(config, found.fastest.plan)
    return None


def _fit_lines(found: Fit) -> list[str]:
    """Return what fits, as commands to copy; where nothing does, what comes nearest."""
    if found.fastest is None or found.cheapest is None:
        need = found.nearest.plan.memory.total / 2**30
        return [
            f"nothing of {found.tried} combinations fits. The least memory, {need:.1f} GiB on each "
            f"of {found.nearest.gpus}, takes:",
            f"  {_command(found.nearest)}",
            "What helps beyond: more GPUs or larger ones, method=lora or qlora, a smaller "
            "tokens.max_tokens",
        ]
    lines = [f"of {found.tried} combinations, the fastest that fits ({_needs(found.fastest)}):"]
    lines.append(f"  {_command(found.fastest)}")
    if found.cheapest.words == found.fastest.words:
        return [*lines, "the cheapest that fits is the same"]
    lines.append(f"the cheapest that fits ({_needs(found.cheapest)}):")
    return [*lines, f"  {_command(found.cheapest)}"]


def _command(choice: Choice) -> str:
    return f"lokal finetune {' '.join(choice.words)}"


def _needs(choice: Choice) -> str:
    used = choice.plan.memory.total / choice.plan.capacity
    return f"{choice.gpus} x {choice.plan.device}, {used:.0%} of its memory"


def _write(config: PlanConfig, made: Plan) -> None:
    if config.json_file:
        write_json(Path(config.json_file), plan_json(made))


if __name__ == "__main__":
    sys.exit(plan.main())
