"""Collect one system's replies to a suite: a checkpoint's, its parent's, or a recording's."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from ..data.progress import say
from ..evaluation.collect import collect
from ..evaluation.generations import Generations, plan_parts
from ..evaluation.scorings import record_scorings
from ..evaluation.settings import EvaluateConfig
from ..evaluation.system import Kind, describe_system
from .entry import recipe


@recipe(
    EvaluateConfig,
    examples=(
        "lokal evaluate system=parent model=smollm2_135m languages=[id,en] name=quickstart",
        "lokal evaluate system=child-id checkpoint=runs/x/id/model languages=[id,en] name=x",
        "lokal evaluate system=gpt-4 baseline=sib200_gpt4 languages=[id,hi,tl] name=quickstart",
    ),
)
def evaluate(config: EvaluateConfig) -> None:
    """Collect one system's replies to a suite."""
    system = describe_system(config)
    generations = Generations.open(config.folder, system, overwrite=config.overwrite)
    items_root = None if config.items_root is None else Path(config.items_root)
    plan = plan_parts(
        system,
        config.suite,
        split=config.split,
        languages=config.languages,
        items_root=items_root,
        skip_missing=config.skip_missing,
    )
    if plan.skipped:
        say("evaluate", f"not there, left out: {', '.join(plan.skipped)}")
    missing = generations.missing(plan.parts, overwrite=config.overwrite)
    if missing:
        collect(generations, missing, answers=config.answers, items_root=items_root)
    else:
        say("evaluate", f"{config.folder} has all {len(plan.parts)} parts: nothing to do")
    if system.kind is Kind.checkpoint and config.split == "test":
        record_scorings(
            config.scorings_file, system, plan.parts, run=config.name, now=datetime.now(UTC)
        )


if __name__ == "__main__":
    sys.exit(evaluate.main())
