"""What a forward pass keeps for the backward pass, and what a layer needs while it is computed.

Korthikanti et al. 2022 (arXiv 2205.05198, section 4) count 34 bytes a token and hidden unit of a
GPT layer in half precision, plus 5 bytes for each head and pair of tokens. A Llama layer in our
code keeps other things: norms in fp32, no dropout masks, and, with PyTorch's attention or
FlashAttention, no pairs. The numbers below are bytes a token, counted operation by operation;
``tests/cluster/plan/test_activations.py`` counts what PyTorch really saves and finds the same.
"""

# d hidden size, f intermediate size, q width of all query heads, k of all key heads

from typing import NamedTuple

from ...training.settings import AttentionKind, MethodKind, Recompute, StrategyKind
from .job import PlannedJob
from .parameters import BYTES_FP32, bytes_of

_ATTENTION_INPUTS = ("q_proj", "k_proj", "v_proj")
_FEED_INPUTS = ("gate_proj", "up_proj")
_DROPOUT_MASK = 4
"""Bytes of the mask for each element on a CPU, where it has the input's format; on CUDA 1."""


class Layer(NamedTuple):
    """Bytes of one decoder layer for one forward pass of a rank."""

    kept: float
    """Until the backward pass reaches the layer."""
    whole: float
    """While the layer goes back: all that the pass needs, recomputed or not."""
    transient: float
    """Beside it: gradients of what flows through the layer."""


def layer_memory(job: PlannedJob) -> Layer:
    """Return what one layer keeps and needs."""
    tokens = job.tokens_at_once
    whole = tokens * _kept_by_a_token(job) + _masks(job) + _weight_copies(job)
    kept = {
        Recompute.none: whole,
        Recompute.selective: tokens * _selected(job) + _dora_norms(job),
        Recompute.full: tokens * _stream_bytes(job) * job.shape.hidden,
    }[job.recompute]
    recomputed = 0.0 if job.recompute is Recompute.none else whole
    if job.recompute is Recompute.selective:
        recomputed -= kept  # the results of its products are there already
    transient = max(tokens * _transient(job), _attention_transient(job)) + _unpacked(job)
    return Layer(kept, max(0.0, recomputed), transient)


def num_kept_layers(job: PlannedJob) -> int:
    """Return how many layers keep anything: those below the first trained one do not."""
    return job.shape.layers - job.method.first_layer


def last_layer_saving(job: PlannedJob, targets: int) -> float:
    """Return what lokal's own last layer does not keep: it goes on with the targets alone."""
    if not job.fused:
        return 0.0
    each = bytes_of(job.precision)
    names = ("gate_proj", "up_proj", "down_proj")
    ranks = sum(job.method.rank for name in names if _adapts(job, name))
    feed = each * (2 * job.shape.hidden + 2 * job.shape.intermediate + ranks) + BYTES_FP32
    return (job.tokens_at_once - targets) * feed


def around_layers(job: PlannedJob, targets: int) -> float:
    """Return what embedding and last norm keep."""
    tokens, hidden = job.tokens_at_once, job.shape.hidden
    norm = BYTES_FP32 * hidden * (targets if job.fused else tokens)
    if job.method.is_adapter:
        return norm + bytes_of(job.precision) * hidden * targets
    return 2 * norm + BYTES_FP32 * hidden * tokens


def _kept_by_a_token(job: PlannedJob) -> float:
    """Return the bytes a token that a layer keeps when nothing is recomputed."""
    shape, each = job.shape, bytes_of(job.precision)
    hidden, inner, heads = shape.hidden, shape.intermediate, shape.heads
    keys = shape.queries if _is_masked(job) else shape.keys
    if job.fused:  # each half its input and that of its products; queries, keys, values; gate, up
        ranks = sum(job.method.rank for name in shape.linears if _adapts(job, name))
        halves = 4 * hidden + 2 * inner + 2 * shape.queries + 2 * shape.keys
        return each * (halves + ranks) + 2 * BYTES_FP32
    attention = 2 * each * (shape.queries + keys) + BYTES_FP32 * heads + 2 * BYTES_FP32
    if job.method.is_adapter:
        # both norms keep their input in fp32; silu its input and output, the gate both its factors
        return 2 * BYTES_FP32 * hidden + 3 * each * inner + attention + _kept_by_adapters(job)
    if each == BYTES_FP32:
        return 24 * hidden + 16 * inner + attention
    # fp32 weights: each product keeps its own bf16 copy of its input; DeepSpeed's stage 3, whose
    # products are its own, keeps one fp32 input for those that share it
    third = job.strategy.kind is StrategyKind.zero3
    per_hidden = 16 if _computes_in_own_format(job) else 24 if third else 26
    return per_hidden * hidden + 8 * inner + attention


def _kept_by_adapters(job: PlannedJob) -> float:
    """Return what adapters add a token: the input of A, and what A makes of it."""
    shape, method, each = job.shape, job.method, bytes_of(job.precision)
    chosen = [name for name in shape.linears if name in method.targets]
    kept = float(each * method.rank * len(chosen))
    inputs = [shape.linears[name][0] for name in chosen]
    if method.kind is MethodKind.dora:  # also both outputs, of the base and of the adapter
        outputs = sum(shape.linears[name][1] for name in chosen)
        kept += each * 2 * outputs
    if each < BYTES_FP32 and not _computes_in_own_format(job):
        # PEFT makes each input fp32, and autocast bf16 again, but not before DeepSpeed's products
        third = job.strategy.kind is StrategyKind.zero3
        kept += (BYTES_FP32 if third else each) * sum(inputs)
    else:
        kept += each * shape.hidden * any(name in chosen for name in _ATTENTION_INPUTS)
        kept += each * shape.hidden * any(name in chosen for name in _FEED_INPUTS)
        kept += each * shape.intermediate * ("down_proj" in chosen)
    if method.dropout:
        kept += sum(inputs) * (1 if job.on_gpu else _DROPOUT_MASK)
    return kept


def _selected(job: PlannedJob) -> float:
    """Return what selective recomputation keeps a token: results of products and of attention."""
    shape, each = job.shape, bytes_of(job.precision)
    results = sum(outputs for _, outputs in shape.linears.values())
    if job.method.is_adapter:
        chosen = [sizes for name, sizes in shape.linears.items() if name in job.method.targets]
        results += sum(outputs + job.method.rank for _, outputs in chosen)
    attention = each * shape.queries + BYTES_FP32 * shape.heads
    return _stream_bytes(job) * shape.hidden + each * results + attention


def _dora_norms(job: PlannedJob) -> float:
    """Return the products B A of whole matrices, which selective keeps as it keeps all products."""
    if job.method.kind is not MethodKind.dora:
        return 0.0
    return float(bytes_of(job.precision) * job.shape.layer_weights)


def _stream_bytes(job: PlannedJob) -> int:
    """Return the bytes of an element between layers: fp32 where fp32 weights made it."""
    if job.method.is_adapter or _computes_in_own_format(job):
        return bytes_of(job.precision)
    return BYTES_FP32


def _masks(job: PlannedJob) -> float:
    """Return the additive masks that PyTorch's attention makes of the one for packed rows."""
    if not _is_masked(job):
        return 0.0
    return float(bytes_of(job.precision) * job.rows_at_once * job.row_tokens**2)


def _weight_copies(job: PlannedJob) -> float:
    """Return autocast's bf16 copies of trained fp32 weights, which products keep."""
    gathers = job.strategy.kind in (StrategyKind.fsdp, StrategyKind.zero3)
    if job.method.is_adapter or job.fused or gathers:
        return 0.0
    return 2.0 * job.shape.layer_weights if bytes_of(job.precision) == 2 else 0.0


def _transient(job: PlannedJob) -> float:
    """Return the bytes a token that flow through a layer on its way back, beside what it kept."""
    shape, each = job.shape, bytes_of(job.precision)
    if job.fused:  # gate and up, their gradients, and the halves before they are joined
        return each * (7 * shape.intermediate + shape.hidden)
    if job.method.kind is MethodKind.dora and each == 2:
        return 14 * shape.intermediate + 4 * shape.hidden
    return 6 * shape.intermediate + 2 * shape.hidden


def _attention_transient(job: PlannedJob) -> float:
    """Return the scores that lokal's own attention makes for one document at a time."""
    if not job.fused:
        return 0.0
    return float(4 * bytes_of(job.precision) * job.shape.heads * job.row_tokens**2)


def _unpacked(job: PlannedJob) -> float:
    """Return the matrix that a 4-bit layer makes of its weight for a product."""
    if job.method.kind is not MethodKind.qlora:
        return 0.0
    return float(bytes_of(job.precision) * job.shape.hidden * job.shape.intermediate)


def _is_masked(job: PlannedJob) -> bool:
    return job.is_packed and not job.fused and job.attention is AttentionKind.sdpa


def _adapts(job: PlannedJob, name: str) -> bool:
    return job.method.is_adapter and name in job.method.targets


def _computes_in_own_format(job: PlannedJob) -> bool:
    """Return whether weights come to the products in the products' format: fsdp gathers them so."""
    return job.strategy.kind is StrategyKind.fsdp
