"""The group of processes of a run, and the strategy by which they share the work."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist

from ..data.errors import UserError
from .launch import is_worker
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
    if is_worker():
        dist.init_process_group("nccl" if use_cuda else "gloo", timeout=_PROCESSES_WAIT)
    return device


def build_strategy(
    config: StrategyConfig, model: TrainableModel, training: TrainingConfig
) -> Strategy:
    """Return the chosen strategy around the model, whose parameters it may replace."""
    if config.kind is StrategyKind.zero2:
        from .zero import ZeroStrategy

        return ZeroStrategy(model, training)
    kind = SingleStrategy if config.kind is StrategyKind.single else DdpStrategy
    return kind(model, training)
