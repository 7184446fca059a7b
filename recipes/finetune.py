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
from ..training.launch import is_worker, launch
from ..training.settings import Stack
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
    checkpoint = resolve_checkpoint(config.model, reads_original=config.stack is Stack.torchtune)
    key = config.work_key(checkpoint)
    if is_done(config.model_folder, key=key, overwrite=config.overwrite):
        say("finetune", f"{config.model_folder} is finished: nothing to do")
        return None
    config.run_folder.mkdir(parents=True, exist_ok=True)
    processes = 1 if is_worker() else config.num_processes()
    if processes > 1:
        return _launch(config, processes)
    from ..training.run import train

    train(config, checkpoint=checkpoint, key=key)
    return None


def _launch(config: FinetuneConfig, processes: int) -> ExitCode:
    """Start the processes with the resolved config, and pass their exit code on."""
    resolved: Path = config.run_folder / "config.json"
    write_text(resolved, json.dumps(as_json(config), indent=1, ensure_ascii=False) + "\n")
    threads = max(1, num_cores() // processes)
    say("finetune", f"starts {processes} processes with {threads} threads each")
    command = [sys.executable, "-m", "lokal.recipes.finetune", "--config", str(resolved)]
    code = launch(command, processes=processes, threads=threads)
    if code == 0:
        return ExitCode.DONE
    known = code in tuple(ExitCode)  # Python 3.11 refuses `in ExitCode` for a plain number
    if not known:
        say("finetune", f"a process ended with code {code}")
    raise RunError(
        "training ended early; its reason stands above"
        if code != ExitCode.SAVED_RUN_AGAIN
        else "saved as asked: run the same command to go on",
        code=ExitCode(code) if known else ExitCode.RUN_FAILED,
    )


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(finetune.main())
