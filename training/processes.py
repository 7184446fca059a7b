"""The group of processes of a run, and the strategy by which they share the work."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore

from ..data.errors import UserError
from .launch import is_worker
from .recompute import recompute
from .settings import StrategyConfig, StrategyKind, TrainingConfig
from .stack import TrainableModel
from .strategy import DdpStrategy, SingleStrategy, Strategy

_PROCESSES_WAIT = timedelta(hours=2)
"""How long processes wait for the first one to encode the corpus."""


def join_processes(config: StrategyConfig) -> torch.device:
    """Join the other processes, if any, and return this one's device."""
    use_cuda = torch.cuda.is_available()
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local_rank) if use_cuda else torch.device("cpu")
    if use_cuda:
        torch.cuda.set_device(device)
    if config.kind is StrategyKind.single:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError(
                "strategy=single was started with several processes: choose strategy=ddp"
            )
        return device
    # Offloaded gradients are reduced on the GPU, but their norm is summed on the CPU.
    backend = "cpu:gloo,cuda:nccl" if use_cuda else "gloo"
    if is_worker():
        dist.init_process_group(backend, timeout=_PROCESSES_WAIT)
    elif config.kind is StrategyKind.fsdp:  # splits over a group, also over a group of one
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    return device


def build_strategy(
    config: StrategyConfig,
    model: TrainableModel,
    training: TrainingConfig,
    *,
    dtype: torch.dtype,
    device: torch.device,
) -> Strategy:
    """Return the chosen strategy around the model, whose parameters it may replace.

    Args:
        dtype: of products.
        device: where they are computed; what is split goes there part by part.
    """
    if config.kind in (StrategyKind.zero2, StrategyKind.zero3):
        from .zero import build_zero

        return build_zero(model, training, config, device=device)
    recompute(model, training.activation_checkpointing)
    match config.kind:
        case StrategyKind.fsdp:
            from .fsdp import FsdpStrategy

            return FsdpStrategy(model, training, config, dtype=dtype, device=device)
        case StrategyKind.ddp:
            model.module.to(device)
            return DdpStrategy(model, training)
        case _:
            model.module.to(device)
            return SingleStrategy(model, training)
