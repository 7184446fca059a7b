"""Collect one system's replies to a suite: a checkpoint's, its parent's, or a recording's."""

import sys
from datetime import UTC, datetime

from ..data.progress import say
from ..evaluation.collect import collect
from ..evaluation.generations import Generations, plan_part
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
    suite = config.suite
    system = describe_system(config)
    generations = Generations.open(config.folder, system, overwrite=config.overwrite)
    parts = [
        plan_part(system, suite, split=config.split, language=language)
        for language in config.languages
    ]
    missing = generations.missing(parts, overwrite=config.overwrite)
    if missing:
        collect(generations, missing, suite=suite, split=config.split, answers=config.answers)
    else:
        say("evaluate", f"{config.folder} has all {len(parts)} parts: nothing to do")
    if system.kind is Kind.checkpoint and config.split == "test":
        record_scorings(
            config.scorings_file,
            system,
            parts,
            suite=suite.name,
            split=config.split,
            run=config.name,
            now=datetime.now(UTC),
        )


if __name__ == "__main__":
    sys.exit(evaluate.main())
