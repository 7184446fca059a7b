"""One optimizer step of a planned job on fake tensors, in a group of processes that is not there.

Everything is the real thing but the numbers: the stack's modules, PyTorch's FSDP and DDP, AdamW.
This changes PyTorch and Transformers for good: run it in a process of its own.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.fsdp._fully_shard._fsdp_param_group import FSDPParamGroup
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing._internal.distributed.fake_pg import FakeStore

from ...data.batches import Batch
from ...data.hardware import Precision
from ...training.processes import build_strategy
from ...training.settings import StrategyKind, TrainingConfig
from ...training.stack import TrainableModel
from ...training.strategy import Strategy
from .ddp_stand_in import DdpStandIn
from .dry_answers import answer_what_looks_at_numbers
from .dry_model import HoldsScales, build_hollow_model, write_config
from .job import PlannedJob
from .memory import MemoryParts
from .storage_tracker import Peak, StorageTracker

_DEVICE = torch.device("cpu")
"""A fake CUDA tensor needs a PyTorch with CUDA; sizes are the same, and what differs is set here.
"""
_CUDA_BLOCK = 512
"""Bytes that CUDA's caching allocator rounds up to."""
_ON_THE_HOST = ("parameters", "gradients", "optimizer")
"""What ``strategy.cpu_offload`` keeps in main memory."""


def run_dry_step(job: PlannedJob) -> MemoryParts:
    """Return what the second step needs: the first one makes the optimizer's state."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    dtype = torch.bfloat16 if job.precision is Precision.bf16 else torch.float32
    tracker = StorageTracker(
        mode, label_of=partial(_label_of, job), block_bytes=_CUDA_BLOCK if job.on_gpu else 1
    )
    _join_fake_group(job)
    answer_what_looks_at_numbers(on_gpu=job.on_gpu)
    _label_what_fsdp_makes(tracker)
    with tempfile.TemporaryDirectory() as folder:
        write_config(job.shape, Path(folder))
        model = build_hollow_model(job, Path(folder), dtype=dtype, mode=mode)
    shared = _build_strategy(job, model, dtype=dtype, mode=mode)
    model.module.train()
    with mode, tracker:
        batch = _full_batch(job)
        _mark_what_stays(tracker, shared, model, batch)
        for _ in range(2):
            tracker.start()
            _step(job, shared, model, batch, tracker)
    offloads = job.strategy.cpu_offload
    return _parts(tracker.peak(without=_ON_THE_HOST if offloads else ()))


def _label_of(job: PlannedJob, tensor: Tensor) -> str:
    """Return what is known by its shape: logits, and gradients of embedding and head."""
    shape, vocabulary = tuple(tensor.shape), job.shape.vocabulary
    if shape == (vocabulary, job.shape.hidden):
        # Split weights are whole only on their way.
        return "buffers" if job.strategy.kind is StrategyKind.fsdp else "gradients"
    return "logits" if tensor.ndim > 1 and shape[-1] == vocabulary else ""


def _join_fake_group(job: PlannedJob) -> None:
    if job.strategy.kind is StrategyKind.single:
        return
    size = str(job.world_size)
    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}  # nothing connects
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=job.world_size)


def _build_strategy(
    job: PlannedJob, model: TrainableModel, *, dtype: torch.dtype, mode: FakeTensorMode
) -> Strategy:
    training = TrainingConfig(
        rows_per_step=job.rows_per_step,
        micro_rows=job.micro_rows,
        activation_checkpointing=job.recompute,
    )
    with ExitStack() as stack:
        if job.strategy.kind is not StrategyKind.fsdp:
            # FSDP fills what it has split; the others hold all, and DDP copies it into buckets.
            assert model.fill is not None
            model.fill(_DEVICE)
            model.module.to = lambda *_: model.module  # pyright: ignore  it is there
            stack.enter_context(mode)
        return build_strategy(job.strategy, model, training, dtype=dtype, device=_DEVICE)


def _full_batch(job: PlannedJob) -> Batch:
    """Return rows of full length."""
    rows, tokens = job.rows_at_once, job.row_tokens
    targets = max(1, round(rows * tokens * job.trained_share))
    mask_BTS = None
    if job.is_packed and not job.fused and job.attention.name == "sdpa":
        mask_BTS = torch.ones(rows, tokens, tokens, dtype=torch.bool)
    return Batch(
        prefix_P=torch.zeros(0, dtype=torch.long),
        ids_BT=torch.zeros(rows, tokens, dtype=torch.long),
        positions_BT=torch.arange(tokens).repeat(rows, 1),
        mask_BTS=mask_BTS,
        target_at_N=torch.arange(targets),
        targets_N=torch.zeros(targets, dtype=torch.long),
        group_N=torch.zeros(targets, dtype=torch.long),
        lengths=((tokens,),) * rows,
    )


def _step(
    job: PlannedJob,
    shared: Strategy,
    model: TrainableModel,
    batch: Batch,
    tracker: StorageTracker,
) -> None:
    passes = min(job.micro_batches, 2)  # from the second on, gradients are there before it
    for number in range(passes):
        with tracker.during("forward"), sdpa_kernel(_attention_of(job)):
            shared.accumulate(batch, weight=1.0, is_last=number == passes - 1)
        tracker.mark(_gradients(model), "gradients")
    with tracker.during("optimizer", label="buffers"):
        shared.step(lr=1e-4)
    tracker.mark(_moments(shared), "optimizer")


def _attention_of(job: PlannedJob) -> list[SDPBackend]:
    """Return who computes attention: on a GPU, heads that share keys in fp32 are left to products.

    Neither FlashAttention (no fp32) nor the memory-efficient one (no shared keys) takes them.
    """
    shares_keys = job.shape.kv_heads < job.shape.heads
    if job.on_gpu and job.precision is not Precision.bf16 and shares_keys and not job.is_packed:
        return [SDPBackend.MATH]
    return [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]


def _mark_what_stays(
    tracker: StorageTracker, shared: Strategy, model: TrainableModel, batch: Batch
) -> None:
    tracker.mark(model.module.parameters(), "parameters")
    tracker.mark(model.module.buffers(), "buffers")
    for module in model.module.modules():
        if isinstance(module, HoldsScales):
            tracker.mark(module.scales, "parameters")
    wrapped = getattr(shared, "_module", None)
    if isinstance(wrapped, DdpStandIn):
        tracker.mark(wrapped.buckets, "buffers")
    tensors = [getattr(batch, name) for name in batch.__slots__]
    tracker.mark([value for value in tensors if isinstance(value, Tensor)], "buffers")


def _gradients(model: TrainableModel) -> list[Tensor]:
    return [weight.grad for weight in model.module.parameters() if weight.grad is not None]


def _moments(shared: Strategy) -> Iterable[Tensor]:
    optimizer: torch.optim.Optimizer = getattr(shared, "_optimizer")  # noqa: B009  not of the Protocol
    values = [value for state in optimizer.state.values() for value in state.values()]
    return [value for value in values if value.ndim]  # step counts stay in main memory


def _parts(peak: Peak) -> MemoryParts:
    found = dict(peak.bytes_by_label)
    names = ("parameters", "gradients", "optimizer", "activations", "logits", "buffers")
    parts = {name: float(found.pop(name, 0)) for name in names}
    assert not found, found
    return MemoryParts(**parts, margin=0.0, peak_at=peak.phase)


def _label_what_fsdp_makes(tracker: StorageTracker) -> None:
    """Count gathered layers, and gradients on their way to their owners, as buffers."""

    def labelled(method: Callable[..., None]) -> Callable[..., None]:
        def wrapped(group: FSDPParamGroup, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            tracker.mark(_unsharded_gradients(group), "buffers")
            with tracker.during(label="buffers"):
                method(group, *args, **kwargs)

        return wrapped

    for name in ("unshard", "wait_for_unshard", "post_backward"):
        setattr(FSDPParamGroup, name, labelled(getattr(FSDPParamGroup, name)))


def _unsharded_gradients(group: FSDPParamGroup) -> list[Tensor]:
    found: list[nn.Parameter | None] = [
        getattr(parameter, "_unsharded_param", None) for parameter in group.fsdp_params
    ]
    return [weight.grad for weight in found if weight is not None and weight.grad is not None]
