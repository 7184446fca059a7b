"""What the head and its loss need: never all logits at once (``training.loss``)."""

from ...training.settings import StrategyKind
from .job import PlannedJob
from .parameters import BYTES_FP32, bytes_of, count_weights

CHUNK_POSITIONS = 1024
_FROZEN_CHUNK_POSITIONS = 256


def num_targets(job: PlannedJob) -> int:
    """Return the trained positions of one forward pass."""
    return max(1, round(job.tokens_at_once * job.trained_share))


def trains_head(job: PlannedJob) -> bool:
    """Return whether the head has a gradient."""
    weights, method = count_weights(job.shape, job.method), job.method
    if job.shape.is_tied and not (method.train_head and not method.train_embeddings):
        return weights.trained_tokens > 0
    return not method.is_adapter if method.train_head is None else method.train_head


def logits_memory(job: PlannedJob) -> float:
    """Return the most that logits, probabilities and their gradients take together.

    A trained head: chunks of 1,024 positions; each holds fp32 log-probabilities, their gradient and
    that of the logits. A frozen one: chunks of 256, whose gradient is made at once; while a chunk
    is computed, the log-probabilities of the one before it are still held.
    """
    targets, each = num_targets(job), bytes_of(job.precision)
    if trains_head(job):
        own_format = job.strategy.kind is StrategyKind.fsdp
        copies = 2 * job.shape.embedding if each == 2 and not own_format else 0
        return 3.0 * BYTES_FP32 * min(targets, CHUNK_POSITIONS) * job.shape.vocabulary + copies
    # in bf16: logits, the same in fp32, log-probabilities; in fp32 one copy fewer
    alone = each + BYTES_FP32 + (BYTES_FP32 if each == 2 else 0)
    first = min(targets, _FROZEN_CHUNK_POSITIONS)
    second = min(targets - first, _FROZEN_CHUNK_POSITIONS)
    positions = max(alone * first, BYTES_FP32 * first + alone * second)
    return float(positions * job.shape.vocabulary)
