"""``strategy=zero2``: DeepSpeed ZeRO stage 2 (Rajbhandari et al. 2020).

Every process holds all weights, and of gradients and optimizer state only its own part. PyTorch's
AdamW does the update, so that neither a GPU nor a compiler is needed.
"""

import importlib.util
import os
from typing import Protocol, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import AdamW

from ..data.batches import Batch
from ..data.errors import UserError
from .settings import TrainingConfig
from .strategy import make_optimizer

_BUCKET_ELEMENTS = 50_000_000
"""Most gradient elements that are reduced at once: 200 MB; DeepSpeed's default takes 2 GB."""
_USABLE_KERNELS = "__compatible_ops__"


class _ZeroOptimizer(Protocol):
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
    def get_global_grad_norm(self) -> Tensor | float: ...


class ZeroStrategy:
    """DeepSpeed's engine behind the Strategy protocol.

    Args:
        module: returns the summed loss of a Batch.
        trained: its trained parameters, in fp32; DeepSpeed makes them views of one flat tensor.

    Raises:
        UserError: DeepSpeed is missing, or there is no group of processes.
    """

    splits_optimizer = True

    def __init__(
        self, module: nn.Module, trained: dict[str, nn.Parameter], config: TrainingConfig
    ) -> None:
        _check_can_run()
        # A checkpoint keeps the module's weights: in bf16 they would not be those Adam updates.
        assert all(parameter.dtype is torch.float32 for parameter in trained.values())
        self.rank = dist.get_rank()
        self.num_ranks = dist.get_world_size()
        self.device = next(module.parameters()).device
        self._adam = make_optimizer(trained.values(), config)
        self._engine = _start_engine(module, self._adam, config)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> float:
        """Add the gradient; the processes' parts are reduced after every micro-batch."""
        self._engine.set_gradient_accumulation_boundary(is_last)
        loss = self._engine(batch)
        # DeepSpeed averages over processes, while the weight counts the tokens of all of them.
        self._engine.backward(loss * (weight * self.num_ranks))
        return float(loss.detach())

    def step(self, *, lr: float) -> float:
        """Clip, update, clear; return the gradient's norm (infinite: no update was made)."""
        for group in self._adam.param_groups:
            group["lr"] = lr
        self._engine.step()
        return float(torch.as_tensor(self._engine.get_global_grad_norm()).detach())

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return Adam's moments and step count of this process's part of the flat weights."""
        state = self._adam.state[self._own_part]
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    def load_optimizer_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Put the moments back, and take over the weights that were just put into the module."""
        self._engine.optimizer.refresh_fp32_params()
        self._adam.state[self._own_part] = {
            # AdamW keeps its step count on the CPU.
            name: value.clone() if name == "step" else value.to(self.device)
            for name, value in tensors.items()
        }

    @property
    def _own_part(self) -> Tensor:
        """Return this process's part of the flat weights: the one tensor that its Adam updates."""
        return self._adam.param_groups[0]["params"][0]


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
