"""What a user can choose about training; no heavy imports, so that help stays fast."""

from dataclasses import dataclass, field
from enum import Enum

from ..data.hardware import Precision


class MethodKind(Enum):
    """Which weights are trained."""

    lora = "lora"
    dora = "dora"
    """LoRA with a trained length for each row of a weight."""
    qlora = "qlora"
    """LoRA above weights kept in 4 bits."""
    full = "full"


class StrategyKind(Enum):
    """How processes share the work."""

    single = "single"
    ddp = "ddp"
    fsdp = "fsdp"
    zero2 = "zero2"
    zero3 = "zero3"


class Stack(Enum):
    """Which library builds the model."""

    hf = "hf"
    torchtune = "torchtune"


class Layout(Enum):
    """How documents become rows of a batch."""

    buckets = "buckets"
    """One document a row, rows of like length together, padded to the longest."""
    packed = "packed"
    """Several documents a row, with no attention across them."""


class Recompute(Enum):
    """Which activations the backward pass computes again instead of keeping them."""

    none = "none"
    full = "full"
    """All of a decoder layer but its input: least memory, about a third more arithmetic."""
    selective = "selective"
    """The cheap ones; results of matrix products and of attention are kept."""


class AttentionKind(Enum):
    """Who computes attention."""

    auto = "auto"
    """lokal's own layers on a CPU; flash on a GPU where flash-attn is installed and products are
    bf16; else sdpa."""
    sdpa = "sdpa"
    """PyTorch's scaled_dot_product_attention, with a mask where documents share a row."""
    flash = "flash"
    """FlashAttention-2 (Dao 2023) over documents of any length, without padding and mask."""
    flex = "flex"
    """PyTorch's FlexAttention over the same, skipping blocks that no token looks at."""


class ScheduleKind(Enum):
    """How the learning rate falls after warm-up."""

    cosine = "cosine"
    wsd = "wsd"
    """Warm-up, stable, decay: constant, then a linear fall over ``decay_fraction``."""


class TrackerKind(Enum):
    """Where metrics go besides ``metrics.jsonl``."""

    none = "none"
    wandb_offline = "wandb_offline"
    wandb_online = "wandb_online"


@dataclass(kw_only=True, slots=True)
class MethodConfig:
    """Full fine-tuning, or an adapter with its size.

    LoRA: Hu et al. 2021; DoRA: Liu et al. 2024; QLoRA: Dettmers et al. 2023.
    """

    kind: MethodKind
    rank: int = 16
    """Rows of the low-rank factors."""
    alpha: int = 32
    """The update is scaled by alpha / rank."""
    dropout: float = 0.0
    targets: list[str] = field(default_factory=list)
    """Names of the linear layers that get an adapter."""
    first_layer: int = 0
    """Train from this decoder layer up; the layers below need no backward pass."""
    train_embeddings: bool | None = None
    """Train the embedding of the tokens; None: as the method does, full yes, adapters no."""
    train_head: bool | None = None
    """Train the head; None: as the method does. A tied head goes with the embedding."""
    embedding_lr_ratio: float = 1.0
    """Rate of embedding and head, as a part of ``training.lr``."""

    def __post_init__(self) -> None:
        if self.is_adapter and (self.rank < 1 or not self.targets):
            raise ValueError(f"method.rank must be at least 1 and method.targets named: {self}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"method.dropout must lie in [0, 1), got {self.dropout}")
        if self.embedding_lr_ratio <= 0:
            raise ValueError(
                f"method.embedding_lr_ratio must be above 0, got {self.embedding_lr_ratio}: to "
                "leave them as they are, set method.train_embeddings=false and "
                "method.train_head=false"
            )

    @property
    def is_adapter(self) -> bool:
        """Return whether the model's own layers stay as they are."""
        return self.kind is not MethodKind.full


@dataclass(kw_only=True, slots=True)
class StrategyConfig:
    """How processes share the work."""

    kind: StrategyKind
    cpu_offload: bool = False
    """Keep what is split (fsdp: weights too; zero: optimizer state) in main memory, not on the GPU.
    """
    replicas: int = 1
    """fsdp: whole copies of the model, each split over its share of the processes (HSDP)."""

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise ValueError(f"strategy.replicas must be at least 1, got {self.replicas}")
        if self.replicas > 1 and self.kind is not StrategyKind.fsdp:
            raise ValueError(f"strategy.replicas is for strategy=fsdp, got {self.kind.name}")
        if self.cpu_offload and self.kind in (StrategyKind.single, StrategyKind.ddp):
            raise ValueError(
                f"strategy.cpu_offload needs a strategy that splits something, got "
                f"{self.kind.name}: choose strategy=fsdp, zero2 or zero3"
            )


@dataclass(kw_only=True, slots=True)
class TokensConfig:
    """How documents become token rows."""

    layout: Layout = Layout.buckets
    max_tokens: int = 512
    """Longest document in tokens, and the row length when packed."""
    max_too_long_share: float = 0.05
    """Part of the rows that may be left out as longer than ``max_tokens``; more stop the run."""
    share_prefix: bool = True
    """Compute the tokens that all documents begin with (a fixed instruction) once a batch."""

    def __post_init__(self) -> None:
        if self.max_tokens < 8:
            raise ValueError(f"tokens.max_tokens must be at least 8, got {self.max_tokens}")
        if not 0 <= self.max_too_long_share <= 1:
            raise ValueError(
                f"tokens.max_too_long_share must lie in [0, 1], got {self.max_too_long_share}"
            )


@dataclass(kw_only=True, slots=True)
class TrainingConfig:
    """The loop's settings."""

    lr: float = 2e-4
    """Peak learning rate."""
    epochs: float = 1.0
    """Passes over the rows; parts of a pass are allowed."""
    max_steps: int = 0
    """Stop after this many optimizer steps; 0 leaves it to ``epochs``."""
    rows_per_step: int = 16
    """Rows of one optimizer step over all processes and accumulation."""
    micro_rows: int = 8
    """Most rows of one forward pass in one process; lower it when memory runs out."""
    schedule: ScheduleKind = ScheduleKind.cosine
    warmup_fraction: float = 0.05
    decay_fraction: float = 0.2
    """Part of the steps over which wsd falls."""
    final_fraction: float = 0.0
    """Rate at the end, as a part of the peak."""
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    """Largest norm of the gradient over all trained weights."""
    spike_sigmas: float = 6.0
    """A step whose loss or gradient norm is this many standard deviations above the window's mean
    updates nothing; 0 skips only what is not finite."""
    guard_window_steps: int = 128
    """Steps that a new one is compared with; the comparison begins at half of them."""
    max_skipped_steps: int = 3
    """Most steps of the window that may be skipped; one more stops the run."""
    precision: Precision = Precision.auto
    fused: bool = True
    """Run lokal's own layers on a CPU where they know the model: the same loss, faster."""
    attention: AttentionKind = AttentionKind.auto
    liger: bool = False
    """Run norms, rotation and gate by Liger's kernels on a GPU (Hsu et al. 2024)."""
    activation_checkpointing: Recompute = Recompute.none
    compile: bool = False
    """Compile each decoder layer (torch.compile) in place of our own; needs a C++ compiler."""
    save_every_steps: int = 50
    keep_checkpoints: int = 2
    """Whole ones that stay, besides the best; one would leave nothing behind a damaged one."""
    async_save: bool = False
    """Write checkpoints while training goes on, from a copy of the state in main memory."""

    def __post_init__(self) -> None:
        for name in ("lr", "epochs", "clip_norm"):
            if getattr(self, name) <= 0:
                raise ValueError(f"training.{name} must be above 0, got {getattr(self, name)}")
        for name in (
            "rows_per_step",
            "micro_rows",
            "guard_window_steps",
            "save_every_steps",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"training.{name} must be at least 1, got {getattr(self, name)}")
        if self.keep_checkpoints < 2:
            raise ValueError(
                f"training.keep_checkpoints must be at least 2, got {self.keep_checkpoints}: when "
                "the newest is damaged, the run goes on from the one before it"
            )
        for name in ("spike_sigmas", "max_skipped_steps"):
            if getattr(self, name) < 0:
                raise ValueError(f"training.{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("warmup_fraction", "decay_fraction", "final_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"training.{name} must lie in [0, 1], got {getattr(self, name)}")


@dataclass(kw_only=True, slots=True)
class WatchConfig:
    """What is looked at while a run trains; nothing here changes the result."""

    heldout_every_steps: int = 100
    """Between two looks at the held-out rows; 0: only before the first step and after the last."""
    heldout_rows: int = 128
    """Most held-out rows of each language; 0: none."""
    heldout_folders: list[str] = field(default_factory=list)
    """Further finished corpora whose held-out rows are measured, such as English."""
    samples_every_steps: int = 100
    """Between two times that the model continues held-out rows; 0: only after the last step."""
    samples: int = 1
    """Samples of each language; 0: none."""
    sample_tokens: int = 32
    """Most tokens of a sample."""

    def __post_init__(self) -> None:
        for name in (
            "heldout_every_steps",
            "heldout_rows",
            "samples_every_steps",
            "samples",
            "sample_tokens",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"watch.{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(kw_only=True, slots=True)
class LaunchConfig:
    """The processes that ``finetune`` starts by itself on this machine."""

    processes: int = 0
    """0: one for each GPU, else 1. Under torchrun this is not used."""
    gpu_usd_per_hour: float | None = None
    """Of one GPU, for the run's ledger; None: not known."""

    def __post_init__(self) -> None:
        if self.processes < 0:
            raise ValueError(f"launch.processes must be 0 or more, got {self.processes}")
        if self.gpu_usd_per_hour is not None and not 0 < self.gpu_usd_per_hour < float("inf"):
            raise ValueError(
                f"launch.gpu_usd_per_hour must be above 0 or null, got {self.gpu_usd_per_hour}"
            )


@dataclass(kw_only=True, slots=True)
class TrackerConfig:
    """Weights & Biases; ``metrics.jsonl`` is always written."""

    kind: TrackerKind = TrackerKind.none
    project: str = "lokal"
