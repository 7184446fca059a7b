"""One process of a training run: from a finished corpus to a finished model folder."""

from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.distributed as dist
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..data.batches import BatchPlan
from ..data.config import as_json
from ..data.errors import UserError
from ..data.hardware import Precision
from ..data.packing import Packs
from ..data.progress import say
from ..data.stage_kind import StageKind
from ..data.tokens import TokenRows
from .checkpoint import Checkpoints
from .finetune_config import FinetuneConfig
from .ledger import FileLedger, Ledger, NoLedger
from .loop import Feed, fit
from .model_folder import write_model_folder
from .precision import choose_dtype
from .preflight import check_first_batch, first_batch_of
from .processes import build_strategy, join_processes
from .settings import Layout
from .stack import TrainableModel, load_model
from .stop import StopRequest
from .strategy import Strategy
from .token_folder import make_token_folder


def train(config: FinetuneConfig, *, checkpoint: Path, key: str) -> None:
    """Run this process's part of the training; the first process writes the model folder.

    Raises:
        UserError: the corpus or the settings do not fit.
        RunError: training cannot go on, or stopped as asked (exit code 75).
    """
    if config.stage.kind is StageKind.dpo:
        raise UserError("stage=dpo is not there yet: choose stage=sft or stage=cpt")
    started_at = datetime.now(UTC)
    device = join_processes(config.strategy)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = _token_rows(config, checkpoint, tokenizer)
    dtype = choose_dtype(config.training.precision)
    model = load_model(config.stack, checkpoint, config.method, dtype=dtype, seed=config.seed)
    model.module.to(device)
    feed = _feed(config, rows, tokenizer, model)
    strategy = build_strategy(config.strategy, model, config.training)
    torch.manual_seed(config.seed + strategy.rank)  # dropout differs by process, not by restart
    checkpoints = Checkpoints(
        config.run_folder / "checkpoints", key, config.training.keep_checkpoints
    )
    start_step = checkpoints.load_newest(strategy)
    total_steps = _total_steps(config, feed)
    if strategy.rank == 0:
        _announce(
            config,
            feed,
            tokenizer,
            dtype,
            num_ranks=strategy.num_ranks,
            start_step=start_step,
            total_steps=total_steps,
        )
    with (
        StopRequest(config.run_folder / "stop") as stop,
        _ledger(config, strategy, start_step) as ledger,
    ):
        result = fit(
            model,
            feed,
            strategy,
            config.training,
            total_steps=total_steps,
            start_step=start_step,
            checkpoints=checkpoints,
            ledger=ledger,
            stop=stop,
        )
    weights = strategy.gather(model.saved())
    if strategy.rank == 0:
        write_model_folder(
            config,
            model,
            weights,
            tokenizer,
            num_steps=result.steps,
            checkpoint=checkpoint,
            key=key,
            started_at=started_at,
        )
    strategy.sum([0.0])
    if dist.is_initialized():
        dist.destroy_process_group()


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
) -> Feed:
    packed = config.tokens.layout is Layout.packed
    plan = BatchPlan(
        rows.lengths(),
        rows_per_step=config.training.rows_per_step,
        pack_tokens=config.tokens.max_tokens if packed else None,
        seed=config.seed,
        packs=Packs.open(config.tokens_folder) if packed else None,
    )
    shares = config.tokens.share_prefix and model.shares_prefix
    if config.tokens.share_prefix and not shares:
        say("train", f"WARNING tokens.share_prefix has no effect with stack={config.stack.name}")
    pad_id = tokenizer.pad_token_id
    return Feed(
        rows=rows,
        plan=plan,
        prefix=rows.shared_prefix() if shares else [],
        pad_id=pad_id if isinstance(pad_id, int) else 0,
        micro_rows=config.training.micro_rows,
    )


def _total_steps(config: FinetuneConfig, feed: Feed) -> int:
    by_epochs = max(1, round(config.training.epochs * feed.plan.steps_per_epoch))
    return min(by_epochs, config.training.max_steps) if config.training.max_steps else by_epochs


def _announce(
    config: FinetuneConfig,
    feed: Feed,
    tokenizer: PreTrainedTokenizerBase,
    dtype: torch.dtype,
    *,
    num_ranks: int,
    start_step: int,
    total_steps: int,
) -> None:
    first = first_batch_of(feed, num_ranks=num_ranks)
    check_first_batch(first, tokenizer, pairs=config.stage.kind is StageKind.dpo)
    chosen = "picked for this machine" if config.training.precision is Precision.auto else "chosen"
    say(
        "train",
        f"steps {start_step} to {total_steps}, {len(feed.rows)} rows, prefix of {len(feed.prefix)} "
        f"tokens shared, {str(dtype).removeprefix('torch.')} {chosen}, "
        f"{torch.get_num_threads()} threads a process; writes {config.run_folder}",
    )


def _ledger(config: FinetuneConfig, strategy: Strategy, start_step: int) -> Ledger:
    if strategy.rank != 0:
        return NoLedger()
    return FileLedger(
        config.run_folder / "metrics.jsonl",
        resumed_step=start_step,
        tracker=config.tracker,
        config=as_json(config),
        run_name=config.name,
    )
