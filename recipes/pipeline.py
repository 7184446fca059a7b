"""Prepare, fine-tune, evaluate and compare, for a list of regions."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..data.base_model import resolve_checkpoint
from ..data.config import check_run_name
from ..data.errors import ExitCode, RunError
from ..data.hardware import num_cores
from ..data.progress import say
from ..data.region import load_region
from ..data.suite import Suite
from ..training.launch import die_with_parent
from .compare import compare
from .entry import recipe
from .evaluate import evaluate
from .finetune import finetune
from .prepare import prepare
from .words import word


@dataclass(kw_only=True, slots=True)
class PipelineConfig:
    """Which regions, and what each recipe is told beyond its own defaults."""

    name: str
    root: str = "runs"
    regions: list[str]
    anchor: str
    """Language that measures forgetting."""
    parent: list[str]
    """Settings that name the parent checkpoint, for ``finetune`` and ``evaluate`` alike."""
    suite: Suite
    split: str
    baselines: dict[str, str]
    """System name in the report, and its choice of the group ``baseline``."""
    prepare: list[str] = field(default_factory=list)
    """Settings for every call of that recipe, as on its command line."""
    finetune: list[str] = field(default_factory=list)
    finetune_region: dict[str, list[str]] = field(default_factory=dict)
    """Settings for one region, after those for all."""
    evaluate: list[str] = field(default_factory=list)
    evaluate_processes: int = 1
    """Checkpoints evaluated at a time; each gets its share of the CPU cores."""
    compare: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not self.regions or len(set(self.regions)) != len(self.regions):
            raise ValueError(f"regions must name each region once, got {self.regions}")
        for code in [*self.regions, self.anchor]:
            load_region(code)
        if self.evaluate_processes < 1:
            raise ValueError(f"evaluate_processes must be 1 or more, got {self.evaluate_processes}")
        if self.anchor in self.regions:
            raise ValueError(f"anchor {self.anchor!r} can't be one of regions {self.regions}")


@recipe(
    PipelineConfig,
    examples=(
        "lokal pipeline experiment=quickstart",
        "lokal pipeline experiment=quickstart regions=[id]",
        "lokal pipeline regions=[hi] name=mine \"finetune=['training.lr=2e-4']\"",
    ),
)
def pipeline(config: PipelineConfig) -> ExitCode | None:
    """Prepare, fine-tune, evaluate and compare, for a list of regions."""
    started = time.monotonic()
    for region in config.regions:
        _localise(config, region)
    checkpoints = [parent_words(config)]
    checkpoints += [child_words(config, region) for region in config.regions]
    _side_by_side(checkpoints, at_once=config.evaluate_processes)
    for system, choice in config.baselines.items():
        evaluate(evaluate.compose(baseline_words(config, system, choice)))
    code = compare(compare.compose(compare_words(config)))
    say("pipeline", f"done in {time.monotonic() - started:.0f} s")
    return code


def _localise(config: PipelineConfig, region: str) -> None:
    """Prepare and fine-tune for one region, in its own folder of the run."""
    say("pipeline", f"{load_region(region).name}: prepare and fine-tune")
    tuning = finetune.compose(finetune_words(config, region))
    checkpoint = resolve_checkpoint(tuning.model)
    prepare(prepare.compose(prepare_words(config, region, tokenizer=checkpoint)))
    finetune(tuning)


def _side_by_side(calls: Sequence[Sequence[str]], *, at_once: int) -> None:
    """Run ``lokal evaluate`` for several systems, each in a process, some at a time.

    Raises:
        RunError: a process failed; the others end first.
    """
    say("pipeline", f"evaluates {len(calls)} checkpoints, {at_once} at a time")
    threads = max(1, num_cores() // at_once)

    def run(number: int) -> int:
        command = [sys.executable, "-m", "lokal.recipes.evaluate", *calls[number]]
        return subprocess.run(
            [*command, f"answers.threads={threads}"],
            env=os.environ | {"LOKAL_BAR_POSITION": str(number % at_once)},
            preexec_fn=die_with_parent,
            check=False,
        ).returncode

    with ThreadPoolExecutor(at_once) as pool:
        codes = list(pool.map(run, range(len(calls))))
    failed = [code for code in codes if code]
    if failed:
        known = failed[0] in list(ExitCode)
        raise RunError(
            "an evaluation failed; its reason stands above",
            code=ExitCode(failed[0]) if known else ExitCode.RUN_FAILED,
        )


def prepare_words(config: PipelineConfig, region: str, *, tokenizer: Path) -> list[str]:
    """Return what ``prepare`` is told for a region."""
    return [*_own(config, region), word("tokenizer", str(tokenizer)), *config.prepare]


def finetune_words(config: PipelineConfig, region: str) -> list[str]:
    """Return what ``finetune`` is told for a region."""
    extra = config.finetune_region.get(region, [])
    return [*_own(config, region), *config.parent, *config.finetune, *extra]


def parent_words(config: PipelineConfig) -> list[str]:
    """Return what ``evaluate`` is told of the parent."""
    return _evaluate(config, "parent", config.parent, [*config.regions, config.anchor])


def child_words(config: PipelineConfig, region: str) -> list[str]:
    """Return what ``evaluate`` is told of a region's child."""
    folder = word("checkpoint", f"{config.root}/{config.name}/{region}/model")
    return _evaluate(config, f"child-{region}", [folder], [region, config.anchor])


def baseline_words(config: PipelineConfig, system: str, choice: str) -> list[str]:
    """Return what ``evaluate`` is told of a recording."""
    return _evaluate(config, system, [f"baseline={choice}"], config.regions)


def compare_words(config: PipelineConfig) -> list[str]:
    """Return what ``compare`` is told."""
    base = f"{config.root}/{config.name}"
    return [
        f"regions=[{','.join(config.regions)}]",
        *_place(config, config.name),
        f"suite={config.suite.name}",
        f"split={config.split}",
        f"anchor={config.anchor}",
        f"baselines=[{','.join(config.baselines)}]",
        *(word(f"+corpora.{code}", f"{base}/{code}/corpus/{code}") for code in config.regions),
        *(word(f"+models.{code}", f"{base}/{code}/model") for code in config.regions),
        *config.compare,
    ]


def _own(config: PipelineConfig, region: str) -> list[str]:
    return [f"region={region}", *_place(config, f"{config.name}/{region}")]


def _place(config: PipelineConfig, name: str) -> list[str]:
    return [word("name", name), word("root", config.root)]


def _evaluate(
    config: PipelineConfig, system: str, source: Sequence[str], languages: Sequence[str]
) -> list[str]:
    return [
        f"system={system}",
        f"languages=[{','.join(languages)}]",
        *source,
        *_place(config, config.name),
        f"suite={config.suite.name}",
        f"split={config.split}",
        *config.evaluate,
    ]


if __name__ == "__main__":
    sys.exit(pipeline.main())
