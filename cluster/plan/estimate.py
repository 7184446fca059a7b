"""Memory of one rank by closed formulas."""

from ...training.settings import StrategyKind
from .job import PlannedJob
from .memory import MemoryParts
from .parameters import BYTES_FP32, BYTES_OF_ADAM, bytes_of, count_weights, frozen_bytes

_MARGIN = 0.05


def estimate_memory(job: PlannedJob) -> MemoryParts:
    """Return what one rank needs at the worst moment of a step."""
    weights = count_weights(job.shape, job.method)
    kind = job.strategy.kind
    splits_weights = kind in (StrategyKind.fsdp, StrategyKind.zero3)
    splits_state = splits_weights or kind is StrategyKind.zero2
    ranks = job.ranks_per_copy
    whole = frozen_bytes(weights, job) + BYTES_FP32 * weights.trained
    shape, each = job.shape, bytes_of(job.precision)
    per_token = each * (
        4 * shape.hidden + 2 * shape.queries + 2 * shape.keys + 4 * shape.intermediate
    )
    activations = float(job.tokens_at_once * per_token * shape.layers)
    logits = float(min(job.tokens_at_once, 1024) * shape.vocabulary * (each + 2 * BYTES_FP32))
    parts = MemoryParts(
        parameters=whole / (ranks if splits_weights else 1),
        gradients=BYTES_FP32 * weights.trained / (ranks if splits_state else 1),
        optimizer=BYTES_OF_ADAM * weights.trained / (ranks if splits_state else 1),
        activations=activations,
        logits=logits,
        buffers=0.0,
        margin=0.0,
        peak_at="backward",
    )
    return parts._replace(margin=_MARGIN * parts.total)
