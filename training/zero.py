"""``strategy=zero2``: DeepSpeed ZeRO stage 2 (Rajbhandari et al. 2020).

Every process holds all weights, and of gradients and optimizer state only its own part. PyTorch's
AdamW does the update, so that neither a GPU nor a compiler is needed.
"""

import importlib.util
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, cast

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import AdamW

from ..data.batches import Batch
from ..data.errors import RunError, UserError
from .settings import TrainingConfig
from .stack import TrainableModel
from .strategy import (
    WEIGHTS_NAME,
    copies,
    is_accepted,
    load_weights,
    make_optimizer,
    set_lr,
)

_BUCKET_ELEMENTS = 50_000_000
"""Most gradient elements that are reduced at once: 200 MB; DeepSpeed's default takes 2 GB."""
_USABLE_KERNELS = "__compatible_ops__"


class _ZeroOptimizer(Protocol):
    scaled_global_norm: Callable[[], Tensor]
    """The norm over all processes; a negative one makes DeepSpeed drop the step."""

    def refresh_fp32_params(self) -> None:
        """Copy this process's part of the module's weights into the part that Adam updates."""
        ...


class _Engine(Protocol):
    """What is used of ``deepspeed.DeepSpeedEngine``."""

    optimizer: _ZeroOptimizer

    def __call__(self, batch: Batch) -> Tensor: ...
    def set_gradient_accumulation_boundary(self, is_boundary: bool) -> None: ...
    def backward(self, loss: Tensor) -> Tensor: ...
    def step(self) -> None: ...


class _NormGate:
    """Stands between DeepSpeed's norm and its update: a norm that is too large reads as invalid.

    DeepSpeed clips and updates in one call, and has no other way to look at the norm in between.
    """

    def __init__(self, optimizer: _ZeroOptimizer) -> None:
        self.max_norm = math.inf
        self.norm = math.inf
        self._measure = optimizer.scaled_global_norm
        optimizer.scaled_global_norm = self._measured

    def _measured(self) -> Tensor:
        norm = self._measure()
        self.norm = float(norm) if float(norm) >= 0 else math.inf
        return norm if is_accepted(self.norm, max_norm=self.max_norm) else torch.full_like(norm, -1)


class ZeroStrategy:
    """DeepSpeed's engine behind the Strategy protocol.

    Args:
        model: its trained parameters are in fp32; DeepSpeed makes them views of one flat tensor.

    Raises:
        UserError: DeepSpeed is missing, or there is no group of processes.
    """

    def __init__(self, model: TrainableModel, config: TrainingConfig) -> None:
        _check_can_run()
        self._trained = model.trained()
        # A checkpoint keeps the module's weights: in bf16 they would not be those Adam updates.
        assert all(parameter.dtype is torch.float32 for parameter in self._trained.values())
        self.rank = dist.get_rank()
        self.num_ranks = dist.get_world_size()
        self.device = next(model.module.parameters()).device
        self._adam = make_optimizer(model, config)
        self._engine = _start_engine(model.module, self._adam, config)
        self._gate = _NormGate(self._engine.optimizer)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> Tensor:
        """Add the gradient; the processes' parts are reduced after every micro-batch."""
        self._engine.set_gradient_accumulation_boundary(is_last)
        losses_N = self._engine(batch)
        # DeepSpeed averages over processes, while the weight counts the tokens of all of them.
        self._engine.backward(losses_N.sum() * (weight * self.num_ranks))
        return losses_N.detach()

    @torch.no_grad()
    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each target, [N], without a gradient."""
        return self._engine(batch)

    def step(self, *, lr: float, max_norm: float = math.inf) -> float:
        """Clip, update, clear; return the norm (not finite or above the limit: no update)."""
        set_lr(self._adam, lr)
        self._gate.max_norm = max_norm
        self._gate.norm = math.inf  # stays so when DeepSpeed itself has found that it is not finite
        self._engine.step()
        return self._gate.norm

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return copies on the CPU: every process holds all weights."""
        return copies(parameters)

    def save_state(self, folder: Path) -> None:
        """Write the weights once, and each process's part of Adam's moments."""
        if self.rank == 0:
            save_file(copies(self._trained), folder / WEIGHTS_NAME)
        state = {
            f"{group}:{key}": value.detach().cpu().contiguous()
            for group, part in enumerate(self._own_parts)
            for key, value in self._adam.state[part].items()
        }
        save_file(state, folder / f"optimizer-{self.rank}.safetensors")

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put weights and moments back; the number of processes must be the same."""
        if num_ranks != self.num_ranks:
            raise RunError(
                f"{folder} was written by {num_ranks} processes, this run has {self.num_ranks}: "
                "resume with the same launch.processes"
            )
        load_weights(folder / WEIGHTS_NAME, self._trained)
        self._engine.optimizer.refresh_fp32_params()
        tensors = load_file(folder / f"optimizer-{self.rank}.safetensors")
        for group, part in enumerate(self._own_parts):
            own = {k.partition(":")[2]: v for k, v in tensors.items() if k.startswith(f"{group}:")}
            self._adam.state[part] = {
                # AdamW keeps its step count on the CPU.
                key: value.clone() if key == "step" else value.to(self.device)
                for key, value in own.items()
            }

    @property
    def _own_parts(self) -> list[Tensor]:
        """Return this process's part of each group's flat weights: what its Adam updates."""
        return [group["params"][0] for group in self._adam.param_groups]


def _check_can_run() -> None:
    if importlib.util.find_spec("deepspeed") is None:
        raise UserError("strategy=zero2 needs DeepSpeed: pip install deepspeed")
    if not dist.is_initialized():
        raise UserError(
            "strategy=zero2 splits work over several processes, and there is one: "
            "set launch.processes=2 or more, or choose strategy=single"
        )


def _start_engine(module: nn.Module, adam: AdamW, config: TrainingConfig) -> _Engine:
    """Hand module and optimizer over; from here on Adam holds only this process's part."""
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    # On CPUs DeepSpeed compiles its own shared-memory communication as soon as it finds ninja, and
    # fails where there is no compiler; told that none of its kernels are usable, it takes gloo.
    setattr(deepspeed.ops, _USABLE_KERNELS, {})
    num_trained = sum(p.numel() for group in adam.param_groups for p in group["params"])
    engine, *_ = deepspeed.initialize(
        model=module,
        optimizer=adam,
        dist_init_required=False,
        config={
            # The loop counts micro-batches and weighs them by tokens; DeepSpeed only adds up.
            "train_micro_batch_size_per_gpu": 1,
            "gradient_accumulation_steps": 1,
            "gradient_clipping": config.clip_norm,
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "zero_optimization": {
                "stage": 2,
                "reduce_bucket_size": min(_BUCKET_ELEMENTS, num_trained),
                "allgather_bucket_size": _BUCKET_ELEMENTS,
            },
        },
    )
    return cast("_Engine", engine)
