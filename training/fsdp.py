"""``strategy=fsdp``: PyTorch's FSDP2 (``fully_shard``; Zhao et al. 2023).

Every process holds its rows of each weight, of its gradient and of Adam's moments. One decoder
layer at a time is gathered, computed and let go; what lies outside the layers (embedding, norm,
head) is the root group, so that tied weights stay one.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    FSDPModule,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
)
from torch.distributed.tensor import DTensor

from ..data.batches import Batch, last_positions
from ..data.errors import UserError
from .settings import StrategyConfig, TrainingConfig
from .shard_file import StateFile, own_shards
from .stack import TrainableModel
from .strategy import (
    clip_and_update,
    load_by_name,
    make_optimizer,
    named_state,
    set_lr,
    sum_over_processes,
)


class FsdpStrategy:
    """FSDP2 behind the Strategy protocol.

    Args:
        dtype: of products and of gathered weights; gradients are reduced and updated in fp32.
        device: where a gathered layer is computed.

    Raises:
        UserError: the processes cannot be dealt into the replicas.
    """

    state_format = "by-name"

    def __init__(
        self,
        model: TrainableModel,
        config: TrainingConfig,
        strategy: StrategyConfig,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.rank = dist.get_rank()
        self.num_ranks = dist.get_world_size()
        self.device = device
        self._module = model.module
        self._root = _shard(
            model,
            mesh=_make_mesh(device, num_ranks=self.num_ranks, replicas=strategy.replicas),
            dtype=dtype,
            offload=CPUOffloadPolicy(pin_memory=device.type == "cuda")
            if strategy.cpu_offload
            else OffloadPolicy(),
        )
        if model.fill is not None:
            model.fill(torch.device("cpu") if strategy.cpu_offload else device)
        self._trained = model.trained()
        self._clip_norm = config.clip_norm
        self._optimizer = make_optimizer(model, config)

    def accumulate(self, batch: Batch, *, weight: float, is_last: bool) -> Tensor:
        """Add the gradient; each process keeps its rows of it after every micro-batch."""
        del is_last
        losses_N = self._module(batch)
        # FSDP averages over processes, while the weight counts the tokens of all of them.
        (losses_N.sum() * (weight * self.num_ranks)).backward()
        return losses_N.detach()

    @torch.no_grad()
    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each target, [N], without a gradient."""
        losses_N = self._module(batch)
        self._root.reshard()  # only a backward pass lets the root group go by itself
        return losses_N

    @torch.no_grad()
    def logits(self, ids_BT: Tensor) -> Tensor:
        """Return the logits behind each row's last token, [B, V]."""
        logits_BV = self._module(last_positions(ids_BT), wants_logits=True)
        self._root.reshard()
        return logits_BV

    def step(self, *, lr: float, max_norm: float = math.inf) -> float:
        """Clip, update, clear; return the norm (not finite or above the limit: no update)."""
        set_lr(self._optimizer, lr)
        parameters = list(self._trained.values())
        return clip_and_update(
            self._optimizer, parameters, clip_norm=self._clip_norm, max_norm=max_norm
        )

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        return sum_over_processes(values, self.device)

    def gather(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Return whole copies on the first process's CPU, and nothing on the others."""
        whole: dict[str, Tensor] = {}
        for name, parameter in parameters.items():
            value = parameter.detach()
            full = value.full_tensor() if isinstance(value, DTensor) else value
            if self.rank == 0:
                whole[name] = full.cpu().contiguous()
        return whole

    def state_files(self) -> dict[str, StateFile]:
        """Return this process's rows of the weights and of Adam's moments."""
        return {
            f"weights-{self.rank}": own_shards(self._trained, rank=self.rank),
            f"optimizer-{self.rank}": own_shards(
                named_state(self._optimizer, self._trained), rank=self.rank
            ),
        }

    def load_state(self, folder: Path, *, num_ranks: int) -> None:
        """Put weights and moments back, whoever has written them by name."""
        del num_ranks
        load_by_name(folder, self._optimizer, self._trained)


def _make_mesh(device: torch.device, *, num_ranks: int, replicas: int) -> DeviceMesh:
    if num_ranks % replicas:
        raise UserError(
            f"strategy.replicas must divide the number of processes: got {replicas} for {num_ranks}"
        )
    if replicas == 1:
        return init_device_mesh(device.type, (num_ranks,), mesh_dim_names=("shard",))
    return init_device_mesh(
        device.type, (replicas, num_ranks // replicas), mesh_dim_names=("replicate", "shard")
    )


def _shard(
    model: TrainableModel, *, mesh: DeviceMesh, dtype: torch.dtype, offload: OffloadPolicy
) -> FSDPModule:
    """Split every layer, then what is left; the module's parameters become its rows."""
    policy = MixedPrecisionPolicy()
    if dtype is torch.bfloat16:
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for layer in model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy, offload_policy=offload)
    root = fully_shard(model.module, mesh=mesh, mp_policy=policy, offload_policy=offload)
    assert isinstance(root, FSDPModule)
    return root
