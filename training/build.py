"""Builds the parts of a run in one process: rows, model, strategy, and where it goes on."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..data.batches import BatchPlan
from ..data.checkpoint_folder import checkpoint_identity
from ..data.manifest import require_whole, sha256_of_json
from ..data.original_tokenizer import tokenizer_folder
from ..data.packing import Packs
from ..data.pair_batches import pairs_as_packs
from ..data.progress import say
from ..data.stage_kind import StageKind
from ..data.tokens import TokenRows
from .checkpoint import Checkpoints
from .dpo import add_preferences
from .feed import Feed
from .finetune_config import FinetuneConfig
from .kernels import Kernels, choose_kernels
from .precision import choose_dtype
from .preflight import check_positions
from .processes import build_strategy, join_processes
from .reference import with_reference
from .run_record import RunRecord
from .settings import Layout, Recompute, StrategyKind
from .stack import TrainableModel, compile_layers, load_model
from .strategy import Strategy
from .token_folder import make_token_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The parts of a run, ready for its next step."""

    config: FinetuneConfig
    checkpoint: Path
    """The parent's folder."""
    record: RunRecord
    tokenizer: PreTrainedTokenizerBase
    dtype: torch.dtype
    kernels: Kernels
    model: TrainableModel
    feed: Feed
    strategy: Strategy
    checkpoints: Checkpoints
    start_step: int
    """Steps that earlier processes have done and saved."""
    total_steps: int

    @property
    def is_first(self) -> bool:
        """Return whether this process is the one that writes and speaks."""
        return self.strategy.rank == 0


def build_run(config: FinetuneConfig, *, checkpoint: Path) -> Run:
    """Join the other processes, load what is needed, and put back the newest whole checkpoint.

    Raises:
        UserError: the corpus or the settings do not fit.
    """
    device = join_processes(config.strategy)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(checkpoint))
    rows = _token_rows(config, checkpoint, tokenizer)
    dtype = choose_dtype(config.training.precision)
    kernels = choose_kernels(config, device=device, dtype=dtype)
    model = load_model(
        config.stack,
        checkpoint,
        config.method,
        dtype=dtype,
        seed=config.seed,
        kernels=kernels,
        late=config.strategy.kind is StrategyKind.fsdp,
    )
    if config.training.compile:
        compile_layers(model)
    if config.stage.kind is StageKind.dpo:
        model = add_preferences(model, config.stage)
    check_positions(int(max(rows.lengths(), default=0)), max_positions=model.max_positions)
    feed = _feed(config, rows, tokenizer, model, kernels)
    strategy = build_strategy(config.strategy, model, config.training, dtype=dtype, device=device)
    if config.stage.kind is StageKind.dpo:
        feed = with_reference(
            feed, model, strategy, folder=config.run_folder, key=_reference_key(config, checkpoint)
        )
    torch.manual_seed(config.seed + strategy.rank)  # dropout differs by process, not by restart
    record = RunRecord.read(config.run_folder)
    assert record is not None  # the process that keeps the folder has written it
    folder, keep = config.run_folder / "checkpoints", config.training.keep_checkpoints
    checkpoints = Checkpoints(folder, record.key, keep, in_background=config.training.async_save)
    return Run(
        config=config,
        checkpoint=checkpoint,
        record=record,
        tokenizer=tokenizer,
        dtype=dtype,
        kernels=kernels,
        model=model,
        feed=feed,
        strategy=strategy,
        checkpoints=checkpoints,
        start_step=checkpoints.load_newest(strategy),
        total_steps=_total_steps(config, feed),
    )


def _token_rows(
    config: FinetuneConfig, checkpoint: Path, tokenizer: PreTrainedTokenizerBase
) -> TokenRows:
    """Return the encoded rows; the first process makes them while the others wait."""
    if not dist.is_initialized() or dist.get_rank() == 0:
        make_token_folder(config, checkpoint, tokenizer)
    if dist.is_initialized():
        dist.barrier()
    return TokenRows.open(config.tokens_folder)


def _feed(
    config: FinetuneConfig,
    rows: TokenRows,
    tokenizer: PreTrainedTokenizerBase,
    model: TrainableModel,
    kernels: Kernels,
) -> Feed:
    packed = config.tokens.layout is Layout.packed
    packs = Packs.open(config.tokens_folder) if packed else None
    if config.stage.kind is StageKind.dpo:
        packs = pairs_as_packs(len(rows))
    plan = BatchPlan(
        rows.lengths(),
        rows_per_step=config.training.rows_per_step,
        pack_tokens=config.tokens.max_tokens if packed else None,
        seed=config.seed,
        packs=packs,
    )
    reason = _why_no_shared_prefix(config, model, kernels)
    shares = config.tokens.share_prefix and reason is None
    if reason is not None and config.tokens.share_prefix:
        say("train", f"WARNING tokens.share_prefix has no effect with {reason}")
    pad_id = tokenizer.pad_token_id
    return Feed(
        rows=rows,
        plan=plan,
        prefix=rows.shared_prefix() if shares else [],
        pad_id=pad_id if isinstance(pad_id, int) else 0,
        micro_rows=config.training.micro_rows,
        with_mask=model.needs_mask,
    )


def _why_no_shared_prefix(
    config: FinetuneConfig, model: TrainableModel, kernels: Kernels
) -> str | None:
    """Return the setting under which a batch cannot hold a shared prefix, or None.

    A prefix reaches a layer's second call through the cache, past the layer's output: there FSDP
    and ZeRO-3 do not notice that they have to gather the layer again, and a layer that is computed
    again would write to the cache again.
    """
    if kernels.takes_flat_rows:
        return f"training.attention={kernels.attention.name}"
    if not model.shares_prefix:
        return f"stack={config.stack.name}"
    if config.strategy.kind in (StrategyKind.fsdp, StrategyKind.zero3):
        return f"strategy={config.strategy.kind.name}"
    if config.training.activation_checkpointing is not Recompute.none:
        return f"training.activation_checkpointing={config.training.activation_checkpointing.name}"
    return None


def _reference_key(config: FinetuneConfig, checkpoint: Path) -> str:
    """Return what the pairs' reference depends on: parent, rows, and how they are computed."""
    tokens = require_whole(config.tokens_folder)
    return sha256_of_json(
        {
            "tokens": tokens.key,
            "parent": checkpoint_identity(checkpoint),
            "method": config.method.kind.name,
            "stack": config.stack.name,
            "dtype": str(choose_dtype(config.training.precision)),
        }
    )


def _total_steps(config: FinetuneConfig, feed: Feed) -> int:
    by_epochs = max(1, round(config.training.epochs * feed.plan.steps_per_epoch))
    return min(by_epochs, config.training.max_steps) if config.training.max_steps else by_epochs
