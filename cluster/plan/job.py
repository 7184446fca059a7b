"""What a plan is made for: one training job, with every choice of ``auto`` made."""

from dataclasses import dataclass

from ...data.base_model import ModelSource
from ...data.hardware import Precision, pick_precision
from ...data.stage_kind import StageKind
from ...training.finetune_config import FinetuneConfig
from ...training.settings import (
    AttentionKind,
    Layout,
    MethodConfig,
    Recompute,
    Stack,
    StrategyConfig,
    StrategyKind,
)
from ..settings import ClusterConfig, ClusterKind
from .shapes import ModelShape, shape_of

_MADE_HERE = (ModelSource.embedded, ModelSource.scratch)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedJob:
    """One rank's work, and how many ranks share it."""

    shape: ModelShape
    stack: Stack
    method: MethodConfig
    strategy: StrategyConfig
    stage: StageKind
    world_size: int
    """Processes of the training, one a GPU."""
    on_gpu: bool
    precision: Precision
    """Of products and of frozen weights; never ``auto``."""
    row_tokens: int
    """Tokens of the longest row that a step can hold."""
    micro_rows: int
    """Rows of one forward pass in one process; pairs with ``stage=dpo``."""
    rows_per_step: int
    is_packed: bool
    """Several documents a row; else rows are padded to the longest of the batch."""
    attention: AttentionKind
    """Never ``auto``."""
    fused: bool
    """lokal's own layers, which a CPU takes."""
    recompute: Recompute
    liger: bool = False
    compiled: bool = False
    async_save: bool = False
    stored_bytes: int = 2
    """Of a weight in the checkpoint's files: 4 where they are in fp32."""
    trained_share: float = 1.0
    """Part of a row's tokens that are trained: the head is computed there alone."""

    @property
    def ranks_per_copy(self) -> int:
        """Return over how many ranks one copy of what is split is spread."""
        return self.world_size // self.strategy.replicas

    @property
    def micro_batches(self) -> int:
        """Return the forward passes of one optimizer step in one process."""
        rows = -(-self.rows_per_step // self.world_size)
        return -(-rows // self.micro_rows)

    @property
    def rows_at_once(self) -> int:
        """Return the rows of one forward pass: a pair is two of them."""
        rows = min(self.micro_rows, -(-self.rows_per_step // self.world_size))
        return 2 * rows if self.stage is StageKind.dpo else rows

    @property
    def tokens_at_once(self) -> int:
        """Return the tokens of one forward pass, padding included."""
        return self.rows_at_once * self.row_tokens


def planned_job(config: FinetuneConfig, cluster: ClusterConfig) -> PlannedJob:
    """Return the job that ``lokal finetune`` would run with this config on this cluster.

    What a GPU machine has installed cannot be seen from here: ``training.attention=auto`` is
    planned as sdpa there, which needs more memory than flash.

    Raises:
        UserError: the model's sizes are not known.
    """
    training = config.training
    on_gpu = cluster.gpus_per_node > 0
    attention = training.attention
    if attention is AttentionKind.auto:
        attention = AttentionKind.sdpa
    precision = training.precision
    if precision is Precision.auto:
        precision = Precision.bf16 if on_gpu else pick_precision()
    return PlannedJob(
        shape=shape_of(config.model),
        stack=config.stack,
        method=config.method,
        strategy=config.strategy,
        stage=config.stage.kind,
        world_size=_world_size(config, cluster),
        on_gpu=on_gpu,
        precision=precision,
        row_tokens=config.tokens.max_tokens,
        micro_rows=training.micro_rows,
        rows_per_step=training.rows_per_step,
        is_packed=config.tokens.layout is Layout.packed,
        attention=attention,
        fused=_fuses(config, on_gpu=on_gpu),
        recompute=training.activation_checkpointing,
        liger=training.liger,
        compiled=training.compile,
        async_save=training.async_save,
        # what lokal makes itself is in fp32, what vendors publish in bf16
        stored_bytes=4 if config.model.source in _MADE_HERE else 2,
    )


def _world_size(config: FinetuneConfig, cluster: ClusterConfig) -> int:
    if config.strategy.kind is StrategyKind.single:
        return 1
    if cluster.kind is ClusterKind.local and config.launch.processes:
        return config.launch.processes
    return cluster.world_size


def _fuses(config: FinetuneConfig, *, on_gpu: bool) -> bool:
    """Return whether lokal's own layers run: as ``training.kernels`` decides on a CPU."""
    training = config.training
    holds_all = config.strategy.kind in (StrategyKind.single, StrategyKind.ddp)
    plain = config.method.kind.name in ("lora", "full") and config.method.dropout == 0
    others = training.compile or training.activation_checkpointing is not Recompute.none
    by_itself = training.fused and training.attention is AttentionKind.auto
    is_hf = config.stack is Stack.hf
    return is_hf and by_itself and plain and holds_all and not on_gpu and not others
