"""Collect one system's replies to a suite: a checkpoint's, a server's, or finished ones."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ..data.config import as_json
from ..data.errors import ExitCode, RunError, UserError
from ..data.hardware import num_cores, num_gpus
from ..data.manifest import write_text
from ..data.progress import say
from ..evaluation.collect import collect
from ..evaluation.frozen import find_frozen
from ..evaluation.generations import Generations, Part, Plan, plan_parts
from ..evaluation.option_order import add_orders
from ..evaluation.reply import State
from ..evaluation.scorings import record_scorings
from ..evaluation.settings import EvaluateConfig
from ..evaluation.shard import this_shard
from ..evaluation.system import Kind, System, describe_system
from ..training.launch import launch
from .entry import recipe


@recipe(
    EvaluateConfig,
    examples=(
        "lokal evaluate system=parent model=smollm2_135m languages=[id,en] name=quickstart",
        "lokal evaluate system=child-id checkpoint=runs/x/id/model suite=core languages=[id,en] "
        "items_root=benchmarks name=x",
        "lokal evaluate system=gpt-4 baseline=sib200_gpt4 languages=[id,hi,tl] name=quickstart",
        "lokal evaluate system=served server=vllm server.model=child-id languages=[id] name=x",
        "lokal evaluate system=before frozen=runs/x/generations/child-id languages=[id] name=y",
    ),
)
def evaluate(config: EvaluateConfig) -> ExitCode:
    """Collect one system's replies to a suite."""
    if config.overwrite and this_shard().processes > 1:
        raise UserError("overwrite=true would let each process remove the others' work: leave it")
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
    ordered = add_orders(plan.parts, option_orders=config.option_orders)
    parts, left_out = _choose(system, ordered)
    if left_out and this_shard().rank == 0:
        say("evaluate", f"left out: {', '.join(left_out)}")
    missing = generations.missing(parts, overwrite=config.overwrite)
    if missing and config.suite.members and this_shard().rank == 0:
        _describe(plan)
    if not missing:
        say("evaluate", f"{config.folder} has all {len(parts)} parts: nothing to do")
    elif (processes := _num_processes(config, system)) > 1:
        _launch(config, processes)
    elif system.is_loaded or this_shard().rank == 0:
        collect(generations, missing, answers=config.answers, items_root=items_root)
    if this_shard().rank == 0:
        _record(config, system, [part for part in plan.parts if part in parts])
    if system.frozen is not None:
        return ExitCode.PARTIAL if left_out else ExitCode.DONE
    is_partial = system.kind is Kind.server and _has_errors(generations.reload(), parts)
    return ExitCode.PARTIAL if is_partial else ExitCode.DONE


def _choose(system: System, parts: list[Part]) -> tuple[list[Part], list[str]]:
    """Return the parts that the system can be asked, and the names of the others with why."""
    if system.frozen is not None:
        return find_frozen(system.frozen, parts)
    if system.kind is not Kind.server:
        return parts, []
    why = "log-likelihood only, which no server is asked"
    left_out = [f"{part.name} ({why})" for part in parts if not part.suite.is_generated]
    if len(left_out) == len(parts):
        raise UserError(f"nothing can be asked: {', '.join(left_out)}")
    return [part for part in parts if part.suite.is_generated], left_out


def _has_errors(generations: Generations, parts: list[Part]) -> bool:
    """Return whether an item was rejected for good."""
    counts = generations.manifest.counts if generations.manifest else {}
    found = [counts.get(part.name) for part in parts]
    states = [count.get("states") for count in found if isinstance(count, dict)]
    return any(isinstance(state, dict) and State.error in state for state in states)


def _describe(plan: Plan) -> None:
    """Say what a choice of benchmarks asks, what it can show, and what it leaves out."""
    from ..evaluation.sizes import describe_sizes

    for line in describe_sizes(plan.parts):
        say("evaluate", line)
    for language in dict.fromkeys(part.language for part in plan.parts):
        names = [name for name, code in plan.skipped if code == language]
        if names:
            say("evaluate", f"{language}: has no {', '.join(names)}")


def _record(config: EvaluateConfig, system: System, parts: list[Part]) -> None:
    if system.kind is Kind.checkpoint and config.split == "test":
        now = datetime.now(UTC)
        record_scorings(config.scorings_file, system, parts, run=config.name, now=now)


def _num_processes(config: EvaluateConfig, system: System) -> int:
    if not system.is_loaded or this_shard().processes > 1:
        return 1
    return config.launch.processes or max(1, num_gpus())


def _launch(config: EvaluateConfig, processes: int) -> None:
    """Start processes that share the items; the last to end of each part finishes it.

    Raises:
        RunError: one of them failed; its reason stands above.
    """
    resolved = config.folder / "config.json"
    config.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(replace(config, overwrite=False)), indent=1, ensure_ascii=False)
    write_text(resolved, text + "\n")
    threads = config.answers.threads or max(1, num_cores() // processes)
    say("evaluate", f"starts {processes} processes with {threads} threads each")
    command = [sys.executable, "-m", "lokal.recipes.evaluate", "--config", str(resolved)]
    code = launch(command, processes=processes, threads=threads)
    resolved.unlink()
    if code:
        known = code in tuple(ExitCode)
        raise RunError(
            "an evaluation ended early; its reason stands above: run the same command to go on",
            code=ExitCode(code) if known else ExitCode.RUN_FAILED,
        )


if __name__ == "__main__":
    sys.exit(evaluate.main())
