"""The search: which strategy, checkpointing and micro-batch fit, and which of them is fastest."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from ...data.errors import UserError
from ...data.gpu import GpuConfig
from ...data.hardware import Precision
from ...training.finetune_config import FinetuneConfig
from ...training.settings import MethodKind, Recompute, Stack, StrategyConfig, StrategyKind
from ..settings import ClusterConfig
from .plan import Plan, make_plan
from .speed import Efficiency
from .work import Work

_SMALL_BATCH_TOKENS = 4096
"""Tokens of a forward pass below which a GPU idles between kernels: speed falls with the root of
them (our guess; a measured run is better)."""
_COST = {
    StrategyKind.single: 1.0,
    StrategyKind.ddp: 1.0,
    StrategyKind.fsdp: 1.05,
    StrategyKind.zero2: 1.05,
    StrategyKind.zero3: 1.15,
}
"""What exchange between processes costs, as a factor of time: a guess for GPUs on one fast link."""
_OFFLOAD_COST = 1.8
_SELECTIVE_COST = 1.05


class Choice(NamedTuple):
    """One combination that was tried."""

    words: list[str]
    """Complete settings to type."""
    plan: Plan
    cost: float
    """Factor of time against the formulas of ``speed``."""

    @property
    def gpus(self) -> int:
        """Return the GPUs, or processes without any, that are used."""
        return self.plan.job.world_size

    @property
    def seconds(self) -> float:
        """Return the usual duration, or an equal measure where the work is not known."""
        if self.plan.time is None:
            return self.cost / self.gpus
        return self.plan.time.usual * self.cost


class Fit(NamedTuple):
    """What a search found."""

    fastest: Choice | None
    cheapest: Choice | None
    """With the fewest GPU hours."""
    nearest: Choice
    """That with the least memory: what to look at where nothing fits."""
    tried: int


def search(
    config: FinetuneConfig,
    cluster: ClusterConfig,
    gpu: GpuConfig | None,
    *,
    words: list[str],
    work: Work | None,
    measured: Efficiency | None,
) -> Fit:
    """Try every strategy, checkpointing, offload and micro-batch on one GPU and on all.

    Method, model, rows and rows of a step stay as they are: they change the result.

    Raises:
        UserError: the GPU is not named, so that nothing can be said to fit.
    """
    choices = [
        Choice(_words(words, some, where), plan, _cost(some))
        for some, where in _candidates(config, cluster)
        if (plan := make_plan(some, where, gpu, work=work, measured=measured)).capacity
    ]
    if not choices:
        raise UserError("fit=true needs to know the GPU: name one, as gpu=h100")
    fitting = [choice for choice in choices if choice.plan.fits]
    return Fit(
        fastest=min(fitting, key=lambda one: one.seconds, default=None),
        cheapest=min(fitting, key=lambda one: (one.seconds * one.gpus, one.gpus), default=None),
        nearest=min(choices, key=lambda one: one.plan.memory.total),
        tried=len(choices),
    )


def _candidates(
    config: FinetuneConfig, cluster: ClusterConfig
) -> Iterator[tuple[FinetuneConfig, ClusterConfig]]:
    for where in _places(config, cluster):
        world = max(where.world_size, config.launch.processes)
        for strategy in _strategies(config, world):
            for kept in Recompute:
                if strategy.kind is StrategyKind.zero3 and kept is Recompute.selective:
                    continue  # training refuses it
                most = -(-config.training.rows_per_step // max(1, world))
                for rows in _halves(most):
                    training = replace(
                        config.training,
                        micro_rows=rows,
                        activation_checkpointing=kept,
                        precision=Precision.bf16
                        if where.gpus_per_node
                        else config.training.precision,
                    )
                    yield replace(config, strategy=strategy, training=training), where


def _places(config: FinetuneConfig, cluster: ClusterConfig) -> list[ClusterConfig]:
    """Return the cluster as it is, and one GPU of it."""
    del config
    one = replace(cluster, nodes=1, gpus_per_node=min(1, cluster.gpus_per_node))
    one = replace(one, processes_per_node=1)
    return [cluster] if cluster.world_size == 1 else [cluster, one]


def _strategies(config: FinetuneConfig, world: int) -> list[StrategyConfig]:
    if world == 1:
        return [StrategyConfig(kind=StrategyKind.single)]
    kinds = [StrategyKind.ddp, StrategyKind.fsdp, StrategyKind.zero2, StrategyKind.zero3]
    if config.stack is Stack.torchtune and config.method.kind is MethodKind.qlora:
        return []
    plain = [StrategyConfig(kind=kind) for kind in kinds]
    offloaded = [StrategyConfig(kind=kind, cpu_offload=True) for kind in kinds[1:]]
    return [*plain, *offloaded]


def _halves(most: int) -> list[int]:
    """Return ``most`` and its halves down to 1."""
    found = [most]
    while found[-1] > 1:
        found.append(found[-1] // 2)
    return found


def _cost(config: FinetuneConfig) -> float:
    strategy, training = config.strategy, config.training
    tokens = training.micro_rows * config.tokens.max_tokens
    small = max(1.0, (_SMALL_BATCH_TOKENS / tokens) ** 0.5)
    offload = _OFFLOAD_COST if strategy.cpu_offload else 1.0
    selective = training.activation_checkpointing is Recompute.selective
    return _COST[strategy.kind] * small * offload * (_SELECTIVE_COST if selective else 1.0)


def _words(words: list[str], config: FinetuneConfig, cluster: ClusterConfig) -> list[str]:
    own = ("strategy", "training.micro_rows", "training.activation_checkpointing")
    kept = [word for word in words if not word.lstrip("+").startswith(own)]
    found = [
        *kept,
        f"strategy={config.strategy.kind.name}",
        f"training.micro_rows={config.training.micro_rows}",
        f"training.activation_checkpointing={config.training.activation_checkpointing.name}",
    ]
    if config.strategy.cpu_offload:
        found.append("strategy.cpu_offload=true")
    if cluster.world_size == 1 and config.launch.processes > 1:
        found.append("launch.processes=1")
    return found
