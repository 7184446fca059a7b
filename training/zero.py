"""``strategy=zero2`` and ``zero3``: DeepSpeed ZeRO (Rajbhandari et al. 2020).

Stage 2: every process holds all weights, and of gradients and optimizer state only its own part.
Stage 3 splits the weights too. PyTorch's AdamW does the update, also when it is offloaded, so that
neither a GPU nor a compiler is needed.
"""

import importlib.util
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, cast

import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import AdamW

from ..data.batches import Batch, last_positions
from ..data.errors import RunError, UserError
from .recompute import recompute
from .settings import Recompute, StrategyConfig, StrategyKind, TrainingConfig
from .shard_file import StateFile, load_shards, own_shards
from .stack import TrainableModel
from .strategy import copies, is_accepted, make_optimizer, set_lr, sum_over_processes

_BUCKET_ELEMENTS = 50_000_000
"""Most gradient elements that are reduced at once: 200 MB; DeepSpeed's default takes 2 GB."""
_USABLE_KERNELS = "__compatible_ops__"


class _ZeroOptimizer(Protocol):
    scaled_global_norm: Callable[[], Tensor]
    """Stage 2: the norm over all processes; a negative one makes DeepSpeed drop the step."""
    _get_norm_groups: Callable[[], list[Tensor]]
    """Stage 3: the same for each group."""
    fp32_partitioned_groups_flat: list[Tensor]
    """Stage 3: this process's part of the trained weights, as Adam updates it."""

    def refresh_fp32_params(self) -> None:
        """Stage 2: copy this process's part of the weights into the part that Adam updates."""
        ...

    def _reassign_or_swap_out_partitioned_parameters(self, group: int) -> None:
        """Stage 3: make the weights what Adam's part says."""
        ...


class _Engine(Protocol):
    """What is used of ``deepspeed.DeepSpeedEngine``."""

    optimizer: _ZeroOptimizer

    def __call__(self, batch: Batch, *, wants_logits: bool = False) -> Tensor: ...
    def set_gradient_accumulation_boundary(self, is_boundary: bool) -> None: ...
    def backward(self, loss: Tensor) -> Tensor: ...
    def step(self) -> None: ...


class _NormGate:
    """Stands between DeepSpeed's norm and its update: a norm that is too large reads as invalid.

    DeepSpeed clips and updates in one call, and has no other way to look at the norm in between.
    """

    def __init__(self) -> None:
        self.max_norm = math.inf
        self.norm = math.inf

    def stand_in(self, optimizer: _ZeroOptimizer, *, stage: int) -> None:
        """Take the place of what tells DeepSpeed the norm."""
        if stage == 2:
            measure = optimizer.scaled_global_norm
            optimizer.scaled_global_norm = lambda: self._let_pass([measure()])[0]
        else:
            measure_groups = optimizer._get_norm_groups
            optimizer._get_norm_groups = lambda: self._let_pass(measure_groups())

    def _let_pass(self, norms: list[Tensor]) -> list[Tensor]:
        valid = all(float(norm) >= 0 for norm in norms)
        self.norm = math.hypot(*(float(norm) for norm in norms)) if valid else math.inf
        if is_accepted(self.norm, max_norm=self.max_norm):
            return norms
        return [torch.full_like(norm, -1) for norm in norms]


def build_zero(
    model: TrainableModel, config: TrainingConfig, strategy: StrategyConfig, *, device: torch.device
) -> "ZeroStrategy":
    """Return the strategy of the chosen stage.

    Raises:
        UserError: DeepSpeed is missing, there is no group of processes, or the settings do not go
        together.
    """
    is_stage_3 = strategy.kind is StrategyKind.zero3
    if is_stage_3 and config.activation_checkpointing is Recompute.selective:
        raise UserError(
            "strategy=zero3 gathers weights inside a layer, which "
            "training.activation_checkpointing=selective cannot follow: choose full or none"
        )
    recompute(model, config.activation_checkpointing)
    model.module.to(device)
    kind = Zero3Strategy if is_stage_3 else ZeroStrategy
    return kind(model, config, cpu_offload=strategy.cpu_offload)


class ZeroStrategy:
    """DeepSpeed's engine at stage 2 behind the Strategy protocol.

    Args:
        model: its trained parameters are in fp32; DeepSpeed makes them views of one flat tensor.
        cpu_offload: keep Adam's part in main memory.

    Raises:
        UserError: DeepSpeed is missing, or there is no group of processes.
    """

    state_format = "zero2"
    _stage = 2

    def __init__(
        self, model: TrainableModel, config: TrainingConfig, *, cpu_offload: bool = False
    ) -> None:
        _check_can_run(self.state_format)
        self._trained = model.trained()
        # A checkpoint keeps the module's weights: in bf16 they would not be those Adam updates.
        assert all(parameter.dtype is torch.float32 for parameter in self._trained.values())
        self.rank = dist.get_rank()
        self.num_ranks = dist.get_world_size()
        self.device = next(model.module.parameters()).device
        self._adam = make_optimizer(model, config)
        self._engine = _start_engine(
            model.module, self._adam, config, stage=self._stage, cpu_offload=cpu_offload
        )
        self._gate = _NormGate()
        self._gate.stand_in(self._engine.optimizer, stage=self._stage)

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

    @torch.no_grad()
    def logits(self, ids_BT: Tensor) -> Tensor:
        """Return the logits behind each row's last token, [B, V]."""
        return self._engine(last_positions(ids_BT), wants_logits=True)

    def step(self, *, lr: float, max_norm: float = math.inf) -> float:
        """Clip, update, clear; return the norm (not finite or above the limit: no update)."""
        set_lr(self._adam, lr)
        self._gate.max_norm = max_norm
        self._gate.norm = math.inf  # stays so when DeepSpeed itself has found that it is not finite
        self._engine.step()
        return self._gate.norm

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        return sum_over_processes(values, self.device)

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return copies on the CPU: every process holds all weights."""
        return copies(parameters)

    def state_files(self) -> dict[str, StateFile]:
        """Return the weights once, and each process's part of Adam's moments."""
        state = {
            f"{group}:{key}": torch.as_tensor(value)
            for group, part in enumerate(self._own_parts)
            for key, value in self._adam.state[part].items()
        }
        return {**self._weight_files(), f"optimizer-{self.rank}": StateFile(state)}

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put weights and moments back; the number of processes must be the same."""
        if num_ranks != self.num_ranks:
            raise RunError(
                f"{folder} was written by {num_ranks} processes, this run has {self.num_ranks}: "
                f"strategy={self.state_format} goes on with the same number only, choose "
                f"launch.processes={num_ranks}"
            )
        self._load_weights(folder)
        tensors = load_file(folder / f"optimizer-{self.rank}.safetensors")
        for group, part in enumerate(self._own_parts):
            own = {k.partition(":")[2]: v for k, v in tensors.items() if k.startswith(f"{group}:")}
            self._adam.state[part] = {
                # AdamW keeps its step count on the CPU.
                key: value.clone() if key == "step" else value.to(part.device)
                for key, value in own.items()
            }

    def _weight_files(self) -> dict[str, StateFile]:
        return {"weights": own_shards(self._trained, rank=0)} if self.rank == 0 else {}

    def _load_weights(self, folder: Path) -> None:
        load_shards([folder / "weights.safetensors"], self._trained)
        self._engine.optimizer.refresh_fp32_params()

    @property
    def _own_parts(self) -> list[Tensor]:
        """Return this process's part of each group's flat weights: what its Adam updates."""
        return [group["params"][0] for group in self._adam.param_groups]


class Zero3Strategy(ZeroStrategy):
    """Stage 3: each process holds its part of the weights, and a layer is gathered when needed."""

    state_format = "zero3"
    _stage = 3

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return whole copies on the first process's CPU, one parameter after another."""
        import deepspeed

        whole: dict[str, Tensor] = {}
        for name, parameter in parameters.items():
            with deepspeed.zero.GatheredParameters([parameter]):
                if self.rank == 0:
                    whole[name] = parameter.detach().to("cpu", copy=True).contiguous()
        return whole

    def _weight_files(self) -> dict[str, StateFile]:
        parts = {str(group): part.detach() for group, part in enumerate(self._own_parts)}
        return {f"weights-{self.rank}": StateFile(parts)}

    @torch.no_grad()
    def _load_weights(self, folder: Path) -> None:
        parts = load_file(folder / f"weights-{self.rank}.safetensors")
        for group, part in enumerate(self._own_parts):
            part.copy_(parts[str(group)])
            self._engine.optimizer._reassign_or_swap_out_partitioned_parameters(group)

    @property
    def _own_parts(self) -> list[Tensor]:
        return self._engine.optimizer.fp32_partitioned_groups_flat


def _check_can_run(kind: str) -> None:
    if importlib.util.find_spec("deepspeed") is None:
        raise UserError(f"strategy={kind} needs DeepSpeed: pip install deepspeed")
    if not dist.is_initialized():
        raise UserError(
            f"strategy={kind} splits work over several processes, and there is one: "
            "set launch.processes=2 or more, or choose strategy=single"
        )


def _start_engine(
    module: nn.Module, adam: AdamW, config: TrainingConfig, *, stage: int, cpu_offload: bool
) -> _Engine:
    """Hand module and optimizer over; from here on Adam holds only this process's part."""
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    # On CPUs DeepSpeed compiles its own shared-memory communication as soon as it finds ninja, and
    # fails where there is no compiler; told that none of its kernels are usable, it takes gloo.
    setattr(deepspeed.ops, _USABLE_KERNELS, {})
    num_trained = sum(p.numel() for group in adam.param_groups for p in group["params"])
    zero: dict[str, object] = {
        "stage": stage,
        "reduce_bucket_size": min(_BUCKET_ELEMENTS, num_trained),
    }
    if stage == 2:
        zero["allgather_bucket_size"] = _BUCKET_ELEMENTS
    else:
        # No small weight stays whole: what a process holds is then all that has to be put back.
        zero["stage3_param_persistence_threshold"] = 0
        zero["stage3_prefetch_bucket_size"] = _BUCKET_ELEMENTS
    if cpu_offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
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
            "zero_optimization": zero,
        },
    )
    return cast("_Engine", engine)
