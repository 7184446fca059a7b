"""How processes share the work: one small Protocol, and its forms ``single`` and ``ddp``."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from ..data.batches import Batch, last_positions
from .settings import TrainingConfig
from .shard_file import StateFile, load_shards, own_shards
from .stack import TrainableModel

# N targets of a batch, B rows, T tokens, V vocabulary


class Strategy(Protocol):
    """What the loop asks of a strategy; the same calls, in the same order, on every process."""

    rank: int
    num_ranks: int
    device: torch.device
    state_format: str
    """Name of the form in which state is written: only a strategy of the same one reads it.
    """

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> Tensor:
        """Add the gradient of ``weight`` x summed loss; return the loss of each target, [N].

        Args:
            batch: this process's micro-batch.
            weight: 1 / trained tokens of the whole step; 0 for a filler batch.
            is_last: no further micro-batch follows in this step.
        """
        ...

    def step(self, *, lr: float, max_norm: float = math.inf) -> float:
        """Clip, update, clear; return the gradient's norm before clipping.

        A norm that is not finite or above ``max_norm`` leaves weights and optimizer as they were;
        a negative ``max_norm`` always does. Every process decides alike.
        """
        ...

    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each target, [N], without a gradient; all call it equally often."""
        ...

    def logits(self, ids_BT: Tensor) -> Tensor:
        """Return the logits behind each row's last token, [B, V], without a gradient.

        Every process calls it with the same ids; simple, not fast.
        """
        ...

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        ...

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return whole copies of the parameters on the CPU; only the first process needs them."""
        ...

    def state_files(self) -> dict[str, StateFile]:
        """Return trained weights and optimizer state: what this process writes, by file name.

        The tensors are the live ones, on their device: copy or write them before the next step.
        """
        ...

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put back what ``num_ranks`` processes have written.

        Raises:
            RunError: this strategy cannot go on with another number of processes.
        """
        ...


def make_optimizer(model: TrainableModel, config: TrainingConfig) -> AdamW:
    """Return AdamW (Loshchilov and Hutter 2019) over the trained parameters.

    Parameters with a rate of their own stand in groups that carry ``lr_factor``.
    """
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.trained().items():
        by_factor.setdefault(model.lr_factors.get(name, 1.0), []).append(parameter)
    return AdamW(
        [{"params": several, "lr_factor": factor} for factor, several in by_factor.items()],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        weight_decay=config.weight_decay,
    )


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Give every group its rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_factor"]


class SingleStrategy:
    """One process."""

    state_format = "by-name"
    rank: int
    num_ranks: int

    def __init__(self, model: TrainableModel, config: TrainingConfig) -> None:
        self.rank = 0
        self.num_ranks = 1
        self.device = next(model.module.parameters()).device
        self._module = model.module
        self._bare_module = model.module
        self._trained = model.trained()
        self._clip_norm = config.clip_norm
        self._optimizer = make_optimizer(model, config)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> Tensor:
        """Add the gradient; return the loss of each target, [N]."""
        del is_last
        losses_N = self._module(batch)
        (losses_N.sum() * weight).backward()
        return losses_N.detach()

    @torch.no_grad()
    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each target, [N], without a gradient."""
        return self._bare_module(batch)

    @torch.no_grad()
    def logits(self, ids_BT: Tensor) -> Tensor:
        """Return the logits behind each row's last token, [B, V]."""
        return self._bare_module(last_positions(ids_BT), wants_logits=True)

    def step(self, *, lr: float, max_norm: float = math.inf) -> float:
        """Clip, update, clear; return the norm (not finite or above the limit: no update)."""
        set_lr(self._optimizer, lr)
        parameters = list(self._trained.values())
        return clip_and_update(
            self._optimizer, parameters, clip_norm=self._clip_norm, max_norm=max_norm
        )

    def sum(self, values: list[float]) -> list[float]:
        """Return the values: there is one process."""
        return values

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return copies on the CPU."""
        return copies(parameters)

    def state_files(self) -> dict[str, StateFile]:
        """Return the weights, and Adam's moments by parameter name; the first process writes."""
        if self.rank != 0:
            return {}
        return {
            "weights": own_shards(self._trained, rank=0),
            "optimizer": own_shards(named_state(self._optimizer, self._trained), rank=0),
        }

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put weights and moments back; every process takes the same."""
        del num_ranks
        load_by_name(folder, self._optimizer, self._trained)


class DdpStrategy(SingleStrategy):
    """All weights in every process, which takes a share of the rows (Accelerate)."""

    def __init__(self, model: TrainableModel, config: TrainingConfig) -> None:
        from accelerate import Accelerator

        super().__init__(model, config)
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        if dist.is_initialized():
            self.rank, self.num_ranks = dist.get_rank(), dist.get_world_size()
        wrapped = self._accelerator.prepare_model(model.module)
        self._module = wrapped
        self._is_wrapped = isinstance(wrapped, DistributedDataParallel)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> Tensor:
        """Add the gradient; processes meet only at the step's last micro-batch."""
        waits: AbstractContextManager[object] = nullcontext()
        if self._is_wrapped and not is_last:
            waits = self._accelerator.no_sync(self._module)
        with waits:
            # DDP averages over processes, while the weight counts the tokens of all of them.
            return super().accumulate(batch, weight=weight * self.num_ranks, is_last=is_last)

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        return sum_over_processes(values, self.device)


def sum_over_processes(values: list[float], device: torch.device) -> list[float]:
    """Return the sums over all processes, if there are several."""
    if not dist.is_initialized():
        return values
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor)
    return tensor.tolist()


def is_accepted(norm: float, *, max_norm: float) -> bool:
    """Return whether a gradient of this norm may change the weights."""
    return math.isfinite(norm) and norm <= max_norm


def clip_and_update(
    optimizer: Optimizer, parameters: Sequence[nn.Parameter], *, clip_norm: float, max_norm: float
) -> float:
    """Clip and update, or leave the weights alone when the norm is not accepted; return it."""
    norm = float(clip_grad_norm_(parameters, clip_norm))
    if is_accepted(norm, max_norm=max_norm):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm


def copies(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the parameters' values on the CPU, ready for a safetensors file."""
    return {name: value.detach().cpu().contiguous() for name, value in parameters.items()}


def named_state(optimizer: Optimizer, trained: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return Adam's state as ``parameter:key``; empty before the first update."""
    return {
        f"{name}:{key}": torch.as_tensor(value)
        for name, parameter in trained.items()
        for key, value in optimizer.state[parameter].items()
    }


def load_by_name(folder: Path, optimizer: Optimizer, trained: Mapping[str, nn.Parameter]) -> None:
    """Put back weights and Adam's state that any strategy of this form has written."""
    load_shards(folder.glob("weights*.safetensors"), trained)
    for parameter in trained.values():
        optimizer.state[parameter] = {
            "step": torch.zeros(()),  # AdamW keeps it on the CPU
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    found = load_shards(folder.glob("optimizer*.safetensors"), named_state(optimizer, trained))
    if not found:  # saved before the first update
        optimizer.state.clear()
