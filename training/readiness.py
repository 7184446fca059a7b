"""The last look before the first step: what will be trained, and whether it fits on the disk."""

import math
import shutil

import torch

from ..data.errors import UserError
from ..data.hardware import Precision
from ..data.progress import say
from ..data.stage_kind import StageKind
from .build import Run
from .preflight import check_first_batch, first_batch_of

_BYTES_OF_ADAM = 8
"""Two moments a trained weight, in fp32."""
_GIB = 2**30


def check_run(run: Run) -> None:
    """Say what the run will do, and refuse one that trains nothing or will not fit on the disk.

    Raises:
        UserError: the first batch is wrong, or the disk is too small.
    """
    first = first_batch_of(run.feed, num_ranks=run.strategy.num_ranks)
    is_pairs = run.config.stage.kind is StageKind.dpo
    check_first_batch(first, run.tokenizer, pairs=is_pairs)
    check_disk(run)
    say("train", _memory(run))
    config = run.config.training
    chosen = "picked for this machine" if config.precision is Precision.auto else "chosen"
    say(
        "train",
        f"steps {run.start_step} to {run.total_steps}, {len(run.feed.rows)} rows, prefix of "
        f"{len(run.feed.prefix)} tokens shared, {_name(run.dtype)} {chosen}, {run.kernels.words}, "
        f"{torch.get_num_threads()} threads a process; writes {run.config.run_folder}",
    )


def check_disk(run: Run) -> None:
    """Refuse a run whose checkpoints will not fit; those that are there will be replaced.

    Raises:
        UserError: names what is needed and what is free.
    """
    trained = sum(parameter.numel() for parameter in run.model.trained().values())
    saved = sum(p.numel() * p.element_size() for p in run.model.saved().values())
    checkpoint = trained * (4 + _BYTES_OF_ADAM)
    folder = run.config.run_folder
    present = sum(path.stat().st_size for path in folder.glob("checkpoints/*/*"))
    # The oldest one goes only when the new one is whole.
    keep = run.config.training.keep_checkpoints
    needed = (keep + 1) * checkpoint + saved - present
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder} needs {needed / _GIB:.1f} GiB for {keep} checkpoints, one being written and "
            f"the model, and {free / _GIB:.1f} GiB are free: choose another root=..., or lower "
            "training.keep_checkpoints"
        )


def _memory(run: Run) -> str:
    """Return what must at least be held: an estimate, without activations."""
    parameters = list(run.model.module.parameters())
    weights = sum(p.numel() * p.element_size() for p in parameters)
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    state = trained * (4 + _BYTES_OF_ADAM)
    return (
        f"{sum(p.numel() for p in parameters):,} weights in this process, {trained:,} trained "
        f"({trained / max(1, sum(p.numel() for p in parameters)):.2%}); weights, gradients and "
        f"optimizer take {_gib(weights + state)}, activations come on top"
    )


def _gib(number: int) -> str:
    return f"{math.ceil(number / 2**20)} MiB" if number < _GIB else f"{number / _GIB:.1f} GiB"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
