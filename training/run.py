"""One process of a training run: from a finished corpus to a finished model folder."""

import json
import os
import resource
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..data.batches import BatchPlan
from ..data.config import as_json
from ..data.errors import UserError
from ..data.hardware import Precision
from ..data.manifest import (
    Json,
    read_manifest,
    write_manifest,
)
from ..data.packing import Packs
from ..data.progress import say
from ..data.tokens import TokenRows
from .adapter_file import order_adapter_config
from .card import model_card
from .checkpoint import Checkpoints
from .finetune_config import FinetuneConfig
from .launch import is_worker
from .ledger import FileLedger, Ledger, NoLedger
from .loop import Feed, FitResult, fit
from .precision import choose_dtype
from .preflight import check_first_batch
from .settings import Layout, StrategyKind
from .stack import TrainableModel, load_model
from .stop import StopRequest
from .strategy import DdpStrategy, SingleStrategy, Strategy
from .token_folder import make_token_folder

_PROCESSES_WAIT = timedelta(hours=2)
"""How long processes wait for the first one to encode the corpus."""


def train(config: FinetuneConfig, *, checkpoint: Path, key: str) -> None:
    """Run this process's part of the training; the first process writes the model folder.

    Raises:
        UserError: the corpus or the settings do not fit.
        RunError: training cannot go on, or stopped as asked (exit code 75).
    """
    started_at = datetime.now(UTC)
    device = _join_processes(config)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = _token_rows(config, checkpoint, tokenizer)
    dtype = choose_dtype(config.training.precision)
    model = load_model(config.stack, checkpoint, config.method, dtype=dtype, seed=config.seed)
    model.module.to(device)
    feed = _feed(config, rows, tokenizer, model)
    strategy = _strategy(config, model)
    torch.manual_seed(config.seed + strategy.rank)  # dropout differs by process, not by restart
    checkpoints = Checkpoints(
        config.run_folder / "checkpoints", key, config.training.keep_checkpoints
    )
    start_step = checkpoints.load_newest(strategy, model.trained())
    total_steps = _total_steps(config, feed)
    if strategy.rank == 0:
        _announce(config, feed, tokenizer, dtype, start_step=start_step, total_steps=total_steps)
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
    if strategy.rank == 0:
        _finish(config, model, tokenizer, result, checkpoint=checkpoint, key=key, now=started_at)
    strategy.sum([0.0])
    if dist.is_initialized():
        dist.destroy_process_group()


def _join_processes(config: FinetuneConfig) -> torch.device:
    """Join the other processes, if any, and return this one's device."""
    use_cuda = torch.cuda.is_available()
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local_rank) if use_cuda else torch.device("cpu")
    if use_cuda:
        torch.cuda.set_device(device)
    if config.strategy.kind is StrategyKind.single:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError(
                "strategy=single was started with several processes: choose strategy=ddp"
            )
        return device
    if is_worker():
        dist.init_process_group("nccl" if use_cuda else "gloo", timeout=_PROCESSES_WAIT)
    return device


def _strategy(config: FinetuneConfig, model: TrainableModel) -> Strategy:
    if config.strategy.kind is StrategyKind.zero2:
        from .zero import ZeroStrategy

        return ZeroStrategy(model.module, model.trained(), config.training)
    kind = SingleStrategy if config.strategy.kind is StrategyKind.single else DdpStrategy
    return kind(model.module, model.trained(), config.training)


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
    start_step: int,
    total_steps: int,
) -> None:
    first = [feed.rows.row(row) for pack in feed.plan.step_packs(0) for row in pack]
    check_first_batch(first, tokenizer)
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


def _finish(
    config: FinetuneConfig,
    model: TrainableModel,
    tokenizer: PreTrainedTokenizerBase,
    result: FitResult,
    *,
    checkpoint: Path,
    key: str,
    now: datetime,
) -> None:
    """Write the model folder beside its place, then move it there."""
    temporary = config.run_folder / ".model.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    model.save(temporary)
    order_adapter_config(temporary)
    tokenizer.save_pretrained(temporary)
    tokens = read_manifest(config.tokens_folder)
    assert tokens is not None
    counts = _counts(config, result)
    if "mix" in tokens.counts:
        counts["mix"] = tokens.counts["mix"]
    card = model_card(config, counts=counts, licences=tokens.licences)
    (temporary / "README.md").write_text(card, encoding="utf-8")
    write_manifest(
        temporary,
        recipe="finetune",
        key=key,
        config=as_json(config),
        inputs=[*config.corpus_paths, config.tokens_folder, checkpoint / "config.json"],
        counts=counts,
        licences=[*tokens.licences, config.model.licence],
        seeds={"seed": config.seed},
        started_at=now,
        finished_at=datetime.now(UTC),
    )
    shutil.rmtree(config.model_folder, ignore_errors=True)
    temporary.rename(config.model_folder)
    (config.run_folder / "stop").unlink(missing_ok=True)
    say(
        "train",
        f"loss {counts['first_loss']:.3f} to {counts['last_loss']:.3f}; "
        f"wrote {config.model_folder}",
    )


def _counts(config: FinetuneConfig, result: FitResult) -> dict[str, Json]:
    """Return the run's figures; from the ledger, since a resumed process saw only its own part."""
    lines = (config.run_folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return {
        "steps": result.steps,
        "tokens": sum(record["tokens"] for record in records),
        "trained_tokens": sum(record["trained_tokens"] for record in records),
        "first_loss": records[0]["loss"],
        "last_loss": records[-1]["loss"],
        "seconds_in_this_process": round(result.seconds, 1),
        "processes": dist.get_world_size() if dist.is_initialized() else 1,
        "threads_per_process": torch.get_num_threads(),
        "dtype": str(choose_dtype(config.training.precision)).removeprefix("torch."),
        "peak_memory_mb_of_first_process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        // 1024,
    }
