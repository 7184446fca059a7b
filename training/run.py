"""One process of a training run: build, look, fit, write the model."""

import time
from datetime import UTC, datetime
from pathlib import Path

from ..data.config import as_json
from ..data.heldout import document_start, encode_heldout, read_heldout
from ..data.progress import say
from .build import Run, build_run
from .display import StepDisplay
from .finetune_config import FinetuneConfig
from .gpu_hours import GpuHours
from .guard import Guard
from .heldout import Heldout
from .ledger import METRICS_NAME, FileLedger, Ledger, NoLedger, read_lines
from .loop import FitResult, Loop
from .model_folder import write_model_folder
from .peak import peak_flops
from .readiness import check_run
from .run_state import RunState, State
from .samples import make_prompts
from .stop import StopRequest
from .throughput import Throughput, read_shape
from .watch import Watch


def train(config: FinetuneConfig, *, checkpoint: Path, key: str, stop: StopRequest) -> None:
    """Run this process's part of the training; the first process writes the model folder.

    How it ended stands in ``state.json``: finished, or saved as asked.

    Raises:
        UserError: the corpus or the settings do not fit.
        RunError: training cannot go on.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    run = build_run(config, checkpoint=checkpoint)
    if run.is_first:
        check_run(run)
    state = RunState(config.run_folder, writes=run.is_first)
    state.write(State.running, step=run.start_step, total_steps=run.total_steps)
    with _hours(run, started=clock) as hours:
        result = _fit(run, state, stop, hours)
        if result.is_finished:
            _write_model(run, key=key, started_at=started_at)
    if result.is_finished:
        state.write(State.finished, step=result.steps, total_steps=run.total_steps)
    else:
        if run.is_first:
            say("train", f"saved at step {result.steps} of {run.total_steps} as asked")
            stop.clear()
        state.write(State.resumable, step=result.steps, total_steps=run.total_steps)
    run.strategy.sum([0.0])  # no process leaves before the first one has written all


def _hours(run: Run, *, started: float) -> GpuHours:
    config = run.config
    return GpuHours(
        folder=config.run_folder,
        system=config.name,
        model=config.model.label,
        language=config.region.code,
        num_processes=run.strategy.num_ranks,
        on_gpu=run.strategy.device.type == "cuda",
        usd_per_hour=config.launch.gpu_usd_per_hour,
        writes=run.is_first,
        started=started,
    )


def _fit(run: Run, state: RunState, stop: StopRequest, hours: GpuHours) -> FitResult:
    throughput = _throughput(run)
    with (
        _ledger(run) as ledger,
        StepDisplay(
            total_steps=run.total_steps, start_step=run.start_step, hidden=not run.is_first
        ) as display,
    ):
        loop = Loop(
            model=run.model,
            feed=run.feed,
            strategy=run.strategy,
            config=run.config.training,
            total_steps=run.total_steps,
            guard=_guard(run),
            checkpoints=run.checkpoints,
            state=state,
            hours=hours,
            ledger=ledger,
            stop=stop,
            throughput=throughput,
            display=display,
            watch=_watch(run, ledger),
        )
        return loop.run(start_step=run.start_step)


def _write_model(run: Run, *, key: str, started_at: datetime) -> None:
    weights = run.strategy.gather(run.model.saved())
    if run.is_first:
        write_model_folder(
            run.config,
            run.model,
            weights,
            run.tokenizer,
            num_steps=run.total_steps,
            checkpoint=run.checkpoint,
            key=key,
            started_at=started_at,
        )


def _guard(run: Run) -> Guard:
    """Return the guard with what it has seen before: all processes read the same lines."""
    past = read_lines(run.config.run_folder / METRICS_NAME, until=run.start_step)
    return Guard(run.config.training, past=past)


def _throughput(run: Run) -> Throughput:
    device = run.strategy.device
    own = peak_flops(device, run.dtype)
    peak, num_unknown = run.strategy.sum([own or 0.0, float(own is None)])
    return Throughput(
        read_shape(run.checkpoint),
        run.config.method,
        device,
        peak=None if num_unknown else peak,
        num_prefix=len(run.feed.prefix),
    )


def _watch(run: Run, ledger: Ledger) -> Watch:
    """Return what looks at the held-out rows; every process reads the same ones."""
    config = run.config
    rows = read_heldout(config.heldout_paths, rows_a_language=config.watch.heldout_rows)
    encoded = encode_heldout(rows, run.tokenizer, max_tokens=config.tokens.max_tokens)
    feed = run.feed
    prompts = make_prompts(
        rows,
        run.tokenizer,
        a_language=config.watch.samples,
        document_start=document_start(run.tokenizer),
        max_tokens=config.tokens.max_tokens,
    )
    return Watch(
        config=config.watch,
        model=run.model,
        strategy=run.strategy,
        tokenizer=run.tokenizer,
        prompts=prompts,
        heldout=Heldout(encoded, micro_rows=feed.micro_rows, pad_id=feed.pad_id),
        region=config.region.code,
        total_steps=run.total_steps,
        ledger=ledger,
    )


def _ledger(run: Run) -> Ledger:
    if not run.is_first:
        return NoLedger()
    return FileLedger(
        run.config.run_folder,
        resumed_step=run.start_step,
        tracker=run.config.tracker,
        config=as_json(run.config),
        run_name=run.config.name,
        run_id=run.record.run_id,
    )
