"""Bytes on the disk: checkpoints and the finished model, as ``training.readiness`` checks them."""

from typing import NamedTuple

from .job import PlannedJob
from .parameters import BYTES_FP32, BYTES_OF_ADAM, count_weights
from .work import Work

_TOKEN_BYTES = 4.125
"""An id in int32 and a flag."""


class Disk(NamedTuple):
    """Bytes below the run folder."""

    checkpoint: float
    checkpoints: float
    """Those kept, the best, and the one being written."""
    model: float
    """The finished one."""
    tokens: float

    @property
    def total(self) -> float:
        """Return what must be free before the first step."""
        return self.checkpoints + self.model + self.tokens


def disk_of(job: PlannedJob, work: Work | None, *, keep_checkpoints: int) -> Disk:
    """Return the run's need of disk."""
    weights = count_weights(job.shape, job.method)
    checkpoint = float((BYTES_FP32 + BYTES_OF_ADAM) * weights.trained)
    saved = weights.trained if job.method.is_adapter else weights.all
    return Disk(
        checkpoint=checkpoint,
        checkpoints=(keep_checkpoints + 2) * checkpoint,
        model=float(BYTES_FP32 * saved),
        tokens=_TOKEN_BYTES * work.tokens if work else 0.0,
    )
