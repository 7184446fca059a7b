"""Fine-tune one checkpoint for one region: LoRA or full, on one process or many."""

import json
import os
import sys
from pathlib import Path

from ..data.base_model import resolve_checkpoint
from ..data.config import as_json
from ..data.errors import ExitCode, RunError
from ..data.hardware import num_cores
from ..data.manifest import is_done, write_text
from ..data.progress import say
from ..training.finetune_config import FinetuneConfig
from ..training.launch import is_worker, keeps_folder, launch, leave
from ..training.lock import hold_run
from ..training.run_record import Work, begin_run, refuse_changes
from ..training.run_state import RunState, State
from ..training.settings import Stack
from ..training.stop import StopRequest
from .entry import recipe


@recipe(
    FinetuneConfig,
    examples=(
        "lokal finetune region=id name=first training.epochs=1",
        "lokal finetune region=hi method=full strategy=ddp launch.processes=2 name=second",
        "torchrun --nproc-per-node 8 -m lokal.recipes.finetune strategy=ddp region=tl name=x",
    ),
)
def finetune(config: FinetuneConfig) -> ExitCode | None:
    """Fine-tune one checkpoint for one region."""
    with StopRequest(config.run_folder / "stop") as stop:
        checkpoint = resolve_checkpoint(
            config.model, reads_original=config.stack is Stack.torchtune
        )
        work = config.work(checkpoint)
        if not keeps_folder():
            _train(config, checkpoint, work, stop)
            return None
        if _is_finished(config, work):
            say("finetune", f"{config.model_folder} is finished: nothing to do")
            return None
        with hold_run(config.run_folder):
            begin_run(config.run_folder, work, overwrite=config.overwrite, name=config.name)
            return _run(config, checkpoint, work, stop)


def _is_finished(config: FinetuneConfig, work: Work) -> bool:
    """Return whether this work is done already.

    Raises:
        UserError: the folder holds other work, which is named.
    """
    accepted, overwrite = config.accept_changes, config.overwrite
    refuse_changes(config.run_folder, work, accepted=accepted, overwrite=overwrite)
    return is_done(config.model_folder, key=work.key, overwrite=overwrite or bool(accepted))


def _run(
    config: FinetuneConfig, checkpoint: Path, work: Work, stop: StopRequest
) -> ExitCode | None:
    """Train in this process or in several, and say in ``state.json`` how that ended.

    Raises:
        RunError: the training failed, or was asked to stop (exit code 75).
    """
    state = RunState(config.run_folder)
    try:
        processes = 1 if is_worker() else config.num_processes()
        if processes > 1:
            _launch(config, processes)
        else:
            _train(config, checkpoint, work, stop)
    except BaseException as error:  # also SystemExit and Ctrl-C: the state must not say "running"
        state.fail(error)
        raise
    finally:
        _report(config)
    if state.read() is State.resumable and not is_worker():
        raise RunError(
            "saved as asked: run the same command to go on", code=ExitCode.SAVED_RUN_AGAIN
        )
    return None


def _report(config: FinetuneConfig) -> None:
    from ..training.report import REPORT_NAME, write_report

    write_report(config.run_folder, name=config.name)
    say("finetune", f"curves and figures: {config.run_folder / REPORT_NAME}")


def _train(config: FinetuneConfig, checkpoint: Path, work: Work, stop: StopRequest) -> None:
    from ..training.run import train

    train(config, checkpoint=checkpoint, key=work.key, stop=stop)


def _launch(config: FinetuneConfig, processes: int) -> None:
    """Start the processes with the resolved config.

    Raises:
        RunError: one of them failed; its exit code is passed on.
    """
    resolved: Path = config.run_folder / "config.json"
    write_text(resolved, json.dumps(as_json(config), indent=1, ensure_ascii=False) + "\n")
    threads = max(1, num_cores() // processes)
    say("finetune", f"starts {processes} processes with {threads} threads each")
    command = [sys.executable, "-m", "lokal.recipes.finetune", "--config", str(resolved)]
    code = launch(command, processes=processes, threads=threads)
    if code == 0:
        return
    known = code in tuple(ExitCode)  # Python 3.11 refuses `in ExitCode` for a plain number
    if not known:
        say("finetune", f"a process ended with code {code}")
    raise RunError(
        "training ended early; its reason stands above",
        code=ExitCode(code) if known else ExitCode.RUN_FAILED,
    )


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    leave(finetune.main())
