"""Memory of one rank by closed formulas: the parts at each moment of a step, and the worst moment.

Backward passes give back activations while they add gradients, so that the peak lies at one of the
ends: where the loss is made, in the first layers that go back, in the last ones, or in the update.
"""

from ...training.settings import StrategyKind
from .activations import Layer, around_layers, last_layer_saving, layer_memory, num_kept_layers
from .job import PlannedJob
from .logits import logits_memory, num_targets
from .memory import MemoryParts
from .parameters import count_weights
from .state import State, state_of, whole_bytes

_MARGIN = 0.05
"""Of the rest: fragmentation of the allocator. Chosen on the lines marked "fit" of docs/plan.md."""
_GPU_LIBRARIES = 1.0e9
"""Bytes that CUDA's context, cuBLAS and NCCL take on a GPU before the first tensor: an assumption,
not measured by us."""


def estimate_memory(job: PlannedJob) -> MemoryParts:
    """Return what one rank needs at the worst moment, of loading and of a step."""
    moments = step_moments(job)
    if not job.on_gpu:
        moments.append(load_moment(job))
    worst = max(moments, key=lambda parts: parts.total)
    libraries = _GPU_LIBRARIES if job.on_gpu else 0.0
    return worst._replace(margin=_MARGIN * worst.total + libraries)


def load_moment(job: PlannedJob) -> MemoryParts:
    """Return what is resident while weights come from files that are mapped into main memory.

    Under fsdp a process reads its own rows alone (``training.late_weights``).
    """
    own = job.ranks_per_copy if job.strategy.kind is StrategyKind.fsdp else 1
    weights = count_weights(job.shape, job.method)
    return MemoryParts(
        parameters=whole_bytes(job, weights) / own,
        gradients=0.0,
        optimizer=0.0,
        activations=0.0,
        logits=0.0,
        buffers=job.stored_bytes * job.shape.parameters / own,
        margin=0.0,
        peak_at="load",
    )


def step_moments(job: PlannedJob) -> list[MemoryParts]:
    """Return the parts at each moment that can be the worst, from the second step on."""
    state, layer, targets = state_of(job), layer_memory(job), num_targets(job)
    kept = num_kept_layers(job) * layer.kept - last_layer_saving(job, targets)
    kept += around_layers(job, targets)
    earlier = state.gradients if job.micro_batches > 1 else 0.0
    base = _always(job, state)
    at_loss = base._replace(
        gradients=earlier, activations=kept, buffers=base.buffers + state.loss_buffers
    )
    at_layers = base._replace(
        gradients=max(earlier, state.token_gradients),
        activations=kept - _gone(job, layer, targets) + layer.whole + layer.transient,
        buffers=base.buffers + state.layer_buffers,
    )
    return [
        at_loss._replace(logits=logits_memory(job), peak_at="loss"),
        at_loss._replace(buffers=at_loss.buffers + state.head_buffers, peak_at="backward, head"),
        at_layers._replace(peak_at="backward, first layers"),
        at_layers._replace(
            gradients=max(earlier, state.end_gradients),
            activations=max(layer.whole, layer.kept) + layer.transient,
            peak_at="backward, last layers",
        ),
        base._replace(
            gradients=max(earlier, state.end_gradients),
            buffers=base.buffers + state.end_buffers,
            peak_at="backward, end",
        ),
        base._replace(
            gradients=state.gradients, buffers=base.buffers + state.update, peak_at="optimizer"
        ),
        base._replace(
            gradients=earlier, buffers=base.buffers + state.start_buffers, peak_at="forward"
        ),
    ]


def _always(job: PlannedJob, state: State) -> MemoryParts:
    """Return what is there at every moment, the batch's ids, positions and targets among it."""
    return MemoryParts(
        parameters=state.parameters,
        gradients=0.0,
        optimizer=state.optimizer,
        activations=0.0,
        logits=0.0,
        buffers=state.buffers + 8 * 3 * job.tokens_at_once,
        margin=0.0,
    )


def _gone(job: PlannedJob, layer: Layer, targets: int) -> float:
    """Return what lokal's own last layer has given back when a whole layer goes back first.

    Its second half goes on with the targets alone, so that it is never the one that needs most.
    """
    if targets == job.tokens_at_once:
        return 0.0
    return layer.kept - last_layer_saving(job, targets) if job.fused else 0.0
