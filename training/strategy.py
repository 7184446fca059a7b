"""How processes share the work: one small Protocol, and its forms ``single`` and ``ddp``."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from ..data.batches import Batch
from .settings import TrainingConfig
from .stack import TrainableModel

# N targets of a batch

WEIGHTS_NAME = "weights.safetensors"
_OPTIMIZER_NAME = "optimizer.safetensors"


class Strategy(Protocol):
    """What the loop asks of a strategy; the same calls, in the same order, on every process."""

    rank: int
    num_ranks: int
    device: torch.device

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
        """Return the loss of each target, [N], without a gradient."""
        ...

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        ...

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return whole copies of the parameters on the CPU; only the first process needs them."""
        ...

    def save_state(self, folder: Path) -> None:
        """Write trained weights and optimizer state, as safetensors, each process its own part."""
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

    def __init__(self, model: TrainableModel, config: TrainingConfig) -> None:
        self.rank = 0
        self.num_ranks = 1
        self.device = next(model.module.parameters()).device
        self._module = model.module
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
        return self._module(batch)

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

    def save_state(self, folder: Path) -> None:
        """Write the weights, and Adam's moments by parameter name; the first process does."""
        if self.rank != 0:
            return
        save_file(copies(self._trained), folder / WEIGHTS_NAME)
        save_file(_flatten_state(self._optimizer, self._trained), folder / _OPTIMIZER_NAME)

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put weights and moments back; every process takes the same."""
        del num_ranks
        load_weights(folder / WEIGHTS_NAME, self._trained)
        _restore_state(self._optimizer, self._trained, load_file(folder / _OPTIMIZER_NAME))


class DdpStrategy(SingleStrategy):
    """All weights in every process, which takes a share of the rows (Accelerate)."""

    def __init__(self, model: TrainableModel, config: TrainingConfig) -> None:
        from accelerate import Accelerator

        super().__init__(model, config)
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.rank = self._accelerator.process_index
        self.num_ranks = self._accelerator.num_processes
        self.device = self._accelerator.device
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
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        total = self._accelerator.reduce(tensor, reduction="sum")
        assert isinstance(total, Tensor)
        return total.tolist()


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


@torch.no_grad()
def load_weights(path: Path, parameters: Mapping[str, nn.Parameter]) -> None:
    """Copy the values of a safetensors file into the parameters of the same names."""
    weights = load_file(path)
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])


def _flatten_state(optimizer: Optimizer, trained: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {
        f"{name}:{key}": torch.as_tensor(value).detach().cpu().contiguous()
        for name, parameter in trained.items()
        for key, value in optimizer.state[parameter].items()
    }


def _restore_state(
    optimizer: Optimizer, trained: dict[str, nn.Parameter], tensors: dict[str, Tensor]
) -> None:
    for name, parameter in trained.items():
        keys = [key for key in tensors if key.rpartition(":")[0] == name]
        optimizer.state[parameter] = {
            key.rpartition(":")[2]: (
                # AdamW keeps its step count on the CPU.
                tensors[key].clone() if key.endswith(":step") else tensors[key].to(parameter.device)
            )
            for key in keys
        }
