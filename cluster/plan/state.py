"""What a rank holds between the steps, and how each strategy cuts it.

ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054, section 5) with mixed precision counts 2 bytes for
a weight, 2 for its gradient and 12 for optimizer and master copy, each divided by the ranks at its
stage. Here trained weights are fp32 themselves: 4 + 4 + 8, and no master copy but DeepSpeed's.
"""

from typing import NamedTuple

from ...training.settings import MethodKind, StrategyKind
from .job import PlannedJob
from .logits import CHUNK_POSITIONS, num_targets, trains_head
from .parameters import (
    BYTES_FP32,
    BYTES_OF_ADAM,
    Weights,
    bytes_of,
    count_weights,
    four_bit_scales,
    frozen_bytes,
)

_ZERO_BUCKET = 50_000_000
"""Elements that DeepSpeed reduces at once (``training.zero``)."""
_ZERO_LIVE = 1_000_000_000
"""Elements that DeepSpeed's stage 3 leaves gathered for the backward pass, its default."""


class State(NamedTuple):
    """Bytes of one rank."""

    parameters: float
    gradients: float
    token_gradients: float
    """Of embedding and head alone, which are there before the layers' own."""
    end_gradients: float
    """When the first layer has gone back: under fsdp embedding and head come after it."""
    optimizer: float
    """Of all trained weights that this rank updates, after the first step."""
    update: float
    """Temporaries of the update."""
    buffers: float
    """Between and in all steps: copies, buckets."""
    start_buffers: float
    """When the forward pass begins: root and first layer, gathered and copied out."""
    loss_buffers: float
    """While the loss is made: what is gathered then."""
    head_buffers: float
    """Beside them, when the head's gradient is summed over chunks of positions."""
    layer_buffers: float
    """While layers go back: what is gathered, and gradients on their way."""
    end_buffers: float
    """When the last gradients are reduced: those of embedding and head."""


def state_of(job: PlannedJob) -> State:
    """Return what the strategy leaves to one rank."""
    weights = count_weights(job.shape, job.method)
    match job.strategy.kind:
        case StrategyKind.fsdp:
            return _fsdp(job, weights)
        case StrategyKind.zero2 | StrategyKind.zero3:
            return _zero(job, weights)
        case _:
            return _whole(job, weights)


def whole_bytes(job: PlannedJob, weights: Weights) -> float:
    """Return all weights, each once: trained ones in fp32."""
    return frozen_bytes(weights, job) + BYTES_FP32 * weights.trained


def _whole(job: PlannedJob, weights: Weights) -> State:
    trained = BYTES_FP32 * weights.trained
    buckets = trained if job.strategy.kind is StrategyKind.ddp and job.world_size > 1 else 0
    return State(
        parameters=whole_bytes(job, weights) + _fused_copies(job),
        gradients=trained,
        token_gradients=BYTES_FP32 * weights.trained_tokens,
        end_gradients=trained,
        optimizer=BYTES_OF_ADAM * weights.trained,
        update=_update(job, trained=weights.trained, largest=_largest(job, weights)),
        buffers=buckets,
        start_buffers=0.0,
        loss_buffers=0.0,
        head_buffers=0.0,
        layer_buffers=0.0,
        end_buffers=0.0,
    )


def _fsdp(job: PlannedJob, weights: Weights) -> State:
    """FSDP2 (Zhao et al. 2023): rows of everything; layers come and go, the root stays to the end.

    A gathered layer is there twice while it is copied out of the buffer, and the next one is on its
    way. Gradients leave in the products' format and are reduced in fp32.
    """
    ranks, each = job.ranks_per_copy, bytes_of(job.precision)
    own = 1 / ranks
    tokens = each * ((1 if job.shape.is_tied else 2) * job.shape.embedding + job.shape.hidden)
    layer = _layer_bytes(job, weights)
    reduced = (each + BYTES_FP32) * weights.trained_in_a_layer
    # The root group reduces at the very end: until then the head's gradient is whole. Two chunks
    # and their sum exist at one time where there are several (the dry build sees the same).
    head = float(each * job.shape.embedding) if trains_head(job) else 0.0
    has_chunks = num_targets(job) > CHUNK_POSITIONS
    on_host = job.strategy.cpu_offload and job.on_gpu
    kept, scales = 0.0 if on_host else own, four_bit_scales(weights, job)
    return State(
        parameters=kept * (whole_bytes(job, weights) - scales) + scales,
        gradients=kept * BYTES_FP32 * weights.trained,
        token_gradients=0.0,
        end_gradients=kept * BYTES_FP32 * weights.trained_layers,
        optimizer=kept * BYTES_OF_ADAM * weights.trained,
        update=0.0
        if on_host
        else _update(job, trained=own * weights.trained, largest=own * _largest(job, weights)),
        buffers=0.0,
        start_buffers=2 * (tokens + layer),
        loss_buffers=tokens + layer,
        head_buffers=3 * head if has_chunks else 0.0,
        layer_buffers=tokens + 3 * layer + reduced + head,
        end_buffers=float((each + BYTES_FP32) * weights.trained_tokens),
    )


def _layer_bytes(job: PlannedJob, weights: Weights) -> float:
    """Return what gathering one layer takes; weights in 4 bits are gathered as they are."""
    shape, each = job.shape, bytes_of(job.precision)
    own = weights.trained_in_a_layer if job.method.is_adapter else 0
    if job.method.kind is MethodKind.qlora:
        return shape.layer_weights / 2 + each * (2 * shape.hidden + own)
    return float(each * (shape.layer_parameters + own))


def _zero(job: PlannedJob, weights: Weights) -> State:
    """DeepSpeed: Adam works on its own flat fp32 copy of the rank's part, also beside fp32 weights.

    Stage 3 lets a layer go unless the backward pass needs it within a thousand million weights.
    """
    is_third = job.strategy.kind is StrategyKind.zero3
    own, trained = 1 / job.world_size, BYTES_FP32 * weights.trained
    part = 0.0 if job.strategy.cpu_offload and job.on_gpu else own * trained
    whole = whole_bytes(job, weights)
    gathered = min(whole, whole / weights.all * _ZERO_LIVE) if is_third else 0.0
    return State(
        parameters=(own if is_third else 1) * whole + part,
        gradients=part,
        token_gradients=part * weights.trained_tokens / max(1, weights.trained),
        end_gradients=part,
        optimizer=2 * part,
        update=2 * part,
        buffers=BYTES_FP32 * min(_ZERO_BUCKET, weights.trained),
        start_buffers=gathered,
        loss_buffers=gathered,
        head_buffers=0.0,
        layer_buffers=gathered,
        end_buffers=gathered,
    )


def _fused_copies(job: PlannedJob) -> float:
    """Return the joint matrices of lokal's own layers; frozen weights move into them."""
    if not job.fused or job.method.is_adapter:
        return 0.0
    trained_layers = job.shape.layers - job.method.first_layer
    return float(bytes_of(job.precision) * trained_layers * job.shape.layer_weights)


def _largest(job: PlannedJob, weights: Weights) -> int:
    """Return the weights of the largest trained matrix."""
    if weights.trained_tokens:
        return job.shape.embedding
    if job.method.is_adapter:
        return max(
            job.method.rank * max(sizes)
            for name, sizes in job.shape.linears.items()
            if name in job.method.targets
        )
    return job.shape.hidden * job.shape.intermediate


def _update(job: PlannedJob, *, trained: float, largest: float) -> float:
    """Return what AdamW needs beside its state: on a GPU it updates all at once, else one by one.

    PyTorch's page of AdamW says of the first ("foreach") that it takes about the size of the
    parameters more.
    """
    return BYTES_FP32 * trained if job.on_gpu else 2 * BYTES_FP32 * largest
