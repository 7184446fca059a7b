"""How long a run takes: its arithmetic, the hardware's peak, and the part of it that is reached."""

import math
from typing import NamedTuple

from ...training.flops import step_flops
from ...training.settings import MethodKind, Recompute
from .job import PlannedJob
from .work import Work

_START_SECONDS = 120.0
"""Imports, processes, weights from the disk: an assumption."""
_SAVED_BYTES_PER_SECOND = 5.0e8
"""To a shared disk, every process its part: an assumption."""


class Efficiency(NamedTuple):
    """Operations a second that one process reaches, worst, usual and best."""

    slow: float
    usual: float
    fast: float
    known_from: str

    def of_peak(self, peak: float) -> "Efficiency":
        """Return the rates where these are parts of a peak."""
        return Efficiency(self.slow * peak, self.usual * peak, self.fast * peak, self.known_from)


# Published parts of the bf16 peak: PaLM 0.46 (Chowdhery et al. 2022, table 3); Llama 3 405B 0.38 to
# 0.43 on H100 (Dubey et al. 2024, table 4); FSDP2 on 64 A100 0.57 for
# Llama 3 8B and 0.52 for 70B (torchtitan's docs/performance.md, which counts attention twice).
# Adapters do less arithmetic between the same memory traffic, and 4-bit weights are unpacked first:
# for these the lower ends are our guess. Plain PyTorch reaches less on small models.
_OF_GPU = {
    MethodKind.full: Efficiency(0.25, 0.40, 0.52, "published training runs (docs/plan.md)"),
    MethodKind.lora: Efficiency(0.20, 0.35, 0.50, "published training runs (docs/plan.md)"),
    MethodKind.dora: Efficiency(0.12, 0.22, 0.35, "a guess from lora's (docs/plan.md)"),
    MethodKind.qlora: Efficiency(0.12, 0.25, 0.40, "a guess from lora's (docs/plan.md)"),
}
_OF_CPU = Efficiency(0.15, 0.40, 0.70, "our own runs on two cores (docs/benchmarks.md)")


class Duration(NamedTuple):
    """Seconds of the whole run, from start to the finished model."""

    fast: float
    usual: float
    slow: float
    step: float
    """Usual seconds of one step."""
    known_from: str


def table_efficiency(job: PlannedJob) -> Efficiency:
    """Return the parts of the peak that are usual for the method."""
    return _OF_GPU[job.method.kind] if job.on_gpu else _OF_CPU


def work_flops(job: PlannedJob, work: Work) -> float:
    """Return the operations of the whole run, recomputation included."""
    documents = max(1, round(work.tokens / max(1.0, work.document_tokens)))
    each = work.tokens / documents
    # step_flops squares lengths one by one: equal ones are taken together
    one = (
        step_flops(job.shape, job.method, document_tokens=[round(each)], trained_tokens=0)
        * documents
    )
    head = step_flops(job.shape, job.method, document_tokens=[], trained_tokens=work.trained_tokens)
    if job.recompute is not Recompute.full:
        return one + head
    shape = job.shape
    again = 2.0 * shape.layer_weights * work.tokens + 2.0 * shape.queries * each * work.tokens
    return one + head + again * (shape.layers - job.method.first_layer)


def duration(
    job: PlannedJob, work: Work, rates: Efficiency, *, save_bytes: float, num_saves: int
) -> Duration:
    """Return how long it takes.

    Args:
        rates: operations a second of one process.
        save_bytes: of one checkpoint, over all processes.
        num_saves: checkpoints that are written.
    """
    flops = work_flops(job, work) / job.world_size
    around = _START_SECONDS + num_saves * save_bytes / _SAVED_BYTES_PER_SECOND
    return Duration(
        fast=flops / rates.fast + around,
        usual=flops / rates.usual + around,
        slow=flops / rates.slow + around,
        step=flops / rates.usual / max(1, work.steps),
        known_from=rates.known_from,
    )


def time_limit(seconds: float) -> str:
    """Return SLURM's hours:minutes:seconds for the slow end: a quarter more, full ten minutes."""
    minutes = max(30, 10 * math.ceil(1.25 * seconds / 600))
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
