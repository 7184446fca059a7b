"""How processes share the work: one small Protocol, and its forms ``single`` and ``ddp``."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from ..data.batches import Batch
from .settings import TrainingConfig


class Strategy(Protocol):
    """What the loop asks of a strategy; the same calls, in the same order, on every process."""

    rank: int
    num_ranks: int
    device: torch.device

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> float:
        """Add the gradient of ``weight`` x summed loss; return the summed loss.

        Args:
            batch: this process's micro-batch.
            weight: 1 / trained tokens of the whole step; 0 for a filler batch.
            is_last: no further micro-batch follows in this step.
        """
        ...

    def step(self, *, lr: float) -> float:
        """Clip, update, clear; return the norm before clipping (not finite: no update)."""
        ...

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        ...

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return this process's optimizer state, flat, for a safetensors file."""
        ...

    def load_optimizer_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Put that state back."""
        ...

    @property
    def splits_optimizer(self) -> bool:
        """Whether each process holds its own part of the optimizer state."""
        ...


def make_optimizer(parameters: Iterable[nn.Parameter], config: TrainingConfig) -> AdamW:
    """Return AdamW (Loshchilov and Hutter 2019) over the trained parameters."""
    return AdamW(
        list(parameters),
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        weight_decay=config.weight_decay,
    )


class SingleStrategy:
    """One process."""

    splits_optimizer = False

    def __init__(
        self, module: nn.Module, trained: dict[str, nn.Parameter], config: TrainingConfig
    ) -> None:
        self.rank = 0
        self.num_ranks = 1
        self.device = next(module.parameters()).device
        self._module = module
        self._trained = trained
        self._clip_norm = config.clip_norm
        self._optimizer = make_optimizer(trained.values(), config)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> float:
        """Add the gradient; return the summed loss."""
        del is_last
        loss = self._module(batch)
        (loss * weight).backward()
        return float(loss.detach())

    def step(self, *, lr: float) -> float:
        """Clip, update, clear; return the gradient's norm (NaN: no update was made)."""
        return clip_and_update(
            self._optimizer, self._trained.values(), lr=lr, clip_norm=self._clip_norm
        )

    def sum(self, values: list[float]) -> list[float]:
        """Return the values: there is one process."""
        return values

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return Adam's moments and step counts by parameter name."""
        return _flatten_state(self._optimizer, self._trained)

    def load_optimizer_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Put the moments back."""
        _restore_state(self._optimizer, self._trained, tensors)


class DdpStrategy(SingleStrategy):
    """All weights in every process, which takes a share of the rows (Accelerate)."""

    def __init__(
        self, module: nn.Module, trained: dict[str, nn.Parameter], config: TrainingConfig
    ) -> None:
        from accelerate import Accelerator

        super().__init__(module, trained, config)
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.rank = self._accelerator.process_index
        self.num_ranks = self._accelerator.num_processes
        self.device = self._accelerator.device
        wrapped = self._accelerator.prepare_model(module)
        self._module = wrapped
        self._is_wrapped = isinstance(wrapped, DistributedDataParallel)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> float:
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


def clip_and_update(
    optimizer: Optimizer, parameters: Iterable[nn.Parameter], *, lr: float, clip_norm: float
) -> float:
    """Clip to the norm and update, or leave the weights alone when the gradient is not finite."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    norm = float(clip_grad_norm_(list(parameters), clip_norm))
    if norm == norm and norm != float("inf"):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm


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
