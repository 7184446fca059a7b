"""The speed of a run of the user's own: what its steps took, from ``metrics.jsonl``."""

import json
import statistics
from pathlib import Path
from typing import cast

from ...data.errors import UserError
from ...training.finetune_config import FinetuneConfig
from ...training.ledger import METRICS_NAME
from .job import PlannedJob
from .speed import Efficiency, work_flops
from .work import Work

_FEWEST = 3
"""Steps, the first one left out, which compiles and fills caches."""


def measured_efficiency(folder: Path, job: PlannedJob, config: FinetuneConfig) -> Efficiency:
    """Return the operations a second that one process of the run reached.

    The slow and the fast end are the tenth parts of the steps at both ends, and at least a tenth
    off the median: another run is never the same.

    Args:
        folder: the run's.
        job: what the run was, with the number of processes it had.
        config: its config.

    Raises:
        UserError: the run has too few steps.
    """
    rates = sorted(_rates(folder, job, config))
    middle = statistics.median(rates)
    tenth = len(rates) // 10
    return Efficiency(
        slow=min(rates[tenth], 0.9 * middle),
        usual=middle,
        fast=max(rates[-1 - tenth], 1.1 * middle),
        known_from=f"{len(rates)} steps of {folder}",
    )


def num_processes(folder: Path, config: FinetuneConfig) -> int:
    """Return how many processes a run had: as its newest checkpoint says, else as configured."""
    states = sorted(folder.glob("checkpoints/step-*/state.json"))
    if states:
        return int(json.loads(states[-1].read_text(encoding="utf-8"))["num_ranks"])
    return max(1, config.launch.processes)


def _rates(folder: Path, job: PlannedJob, config: FinetuneConfig) -> list[float]:
    path = folder / METRICS_NAME
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    steps = [line for line in map(json.loads, lines) if "tokens_per_second" in line][1:]
    if len(steps) < _FEWEST:
        raise UserError(
            f"calibrate={folder}: {path} has {len(steps)} steps behind the first, at least "
            f"{_FEWEST} are needed: let the run go on, or name another"
        )
    rates: list[float] = []
    for line in steps:
        tokens = cast("int", line["tokens"])
        seconds = tokens / cast("float", line["tokens_per_second"])
        work = Work(1, tokens, cast("int", line["trained_tokens"]), _document(tokens, config), "")
        rates.append(work_flops(job, work) / seconds / job.world_size)
    return rates


def _document(tokens: int, config: FinetuneConfig) -> float:
    """Return the mean document of a step; packed rows count as one, attention is a small part."""
    return tokens / config.training.rows_per_step
