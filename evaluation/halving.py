"""Goes on with half a batch where memory does not hold the whole."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from ..data.errors import RunError
from ..data.progress import say

Row = TypeVar("Row")
Result = TypeVar("Result")

_CPU_OUT_OF_MEMORY = "can't allocate memory"


def compute_halved(
    compute: Callable[[Sequence[Row]], list[Result]], rows: Sequence[Row]
) -> list[Result]:
    """Return one result a row; a batch that memory does not hold is halved until it fits.

    Raises:
        RunError: memory does not even hold one row.
    """
    try:
        return compute(rows)
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        if len(rows) == 1:
            raise RunError(
                "memory does not hold one prompt: take a smaller model, a shorter "
                "answers.max_new_tokens, or a machine with more memory"
            ) from error
    # Outside of ``except``, whose traceback keeps the tensors of the failed batch.
    half = len(rows) // 2
    say("evaluate", f"out of memory with {len(rows)} prompts at once: goes on with {half}")
    return [
        result for part in (rows[:half], rows[half:]) for result in compute_halved(compute, part)
    ]


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or _CPU_OUT_OF_MEMORY in str(error)
