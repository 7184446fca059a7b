"""Memory of one rank by closed formulas: the parts at each moment of a step, and the worst moment.

Backward passes give back activations while they add gradients, so that the peak lies at one of the
ends: where the loss is made, in the first layers that go back, in the last ones, or in the update.
"""

from .activations import Layer, around_layers, last_layer_saving, layer_memory, num_kept_layers
from .job import PlannedJob
from .logits import logits_memory, num_targets
from .memory import MemoryParts
from .parameters import count_weights
from .state import state_of

_MARGIN = 0.05
"""Of the rest: fragmentation of the allocator. Chosen on the lines marked "fit" of docs/plan.md."""
_GPU_LIBRARIES = 1.0e9
"""Bytes that CUDA's context, cuBLAS and NCCL take on a GPU before the first tensor: an assumption,
not measured by us."""


def estimate_memory(job: PlannedJob) -> MemoryParts:
    """Return what one rank needs at the worst moment of a step."""
    moments = step_moments(job)
    worst = max(moments, key=lambda parts: parts.total)
    libraries = _GPU_LIBRARIES if job.on_gpu else 0.0
    return worst._replace(margin=_MARGIN * worst.total + libraries)


def step_moments(job: PlannedJob) -> list[MemoryParts]:
    """Return the parts at each moment that can be the worst, from the second step on."""
    state, layer = state_of(job), layer_memory(job)
    targets = num_targets(job)
    kept = num_kept_layers(job) * layer.kept - last_layer_saving(job, targets)
    kept += around_layers(job, targets)
    weights = count_weights(job.shape, job.method)
    earlier = state.gradients if job.micro_batches > 1 else 0.0
    of_tokens = weights.trained_tokens / max(1, weights.trained) * state.gradients
    batch = float(8 * 3 * job.tokens_at_once)
    base = MemoryParts(
        parameters=state.parameters,
        gradients=0.0,
        optimizer=state.optimizer,
        activations=0.0,
        logits=0.0,
        buffers=state.buffers + batch,
        margin=0.0,
    )
    return [
        base._replace(
            gradients=earlier,
            activations=kept,
            logits=logits_memory(job),
            buffers=base.buffers + state.loss_buffers,
            peak_at="loss",
        ),
        base._replace(
            gradients=max(earlier, of_tokens),
            activations=kept - _gone(job, layer, targets) + layer.whole + layer.transient,
            buffers=base.buffers + state.layer_buffers,
            peak_at="backward, first layers",
        ),
        base._replace(
            gradients=state.gradients,
            activations=max(layer.whole, layer.kept) + layer.transient,
            buffers=base.buffers + state.end_buffers,
            peak_at="backward, last layers",
        ),
        base._replace(
            gradients=state.gradients, buffers=base.buffers + state.update, peak_at="optimizer"
        ),
    ]


def _gone(job: PlannedJob, layer: Layer, targets: int) -> float:
    """Return what lokal's own last layer has given back when a whole layer goes back first.

    Its second half goes on with the targets alone, so that it is never the one that needs most.
    """
    if targets == job.tokens_at_once:
        return 0.0
    return layer.kept - last_layer_saving(job, targets) if job.fused else 0.0
