"""A short checklist for a machine with GPUs; docs/gpu.md says what was seen and what was not.

Run: ``make gpu``, or ``python benchmarks/gpu.py --write docs/gpu.md``. It trains the embedded model
on the shipped Indonesian sample, some steps a check. What this machine cannot run stands in the
page as "not run" with the reason. ``--rehearse`` goes through the same checks on two processes of a
CPU and a small random model, to try the script itself.
"""

import argparse
import importlib.util
import json
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import torch
from lokal.data.manifest import package_versions

STEPS = 12
TRAINED = ("training.lr=2e-4",)
REHEARSED = ("model=scratch", "training.lr=1e-3")
SECONDS_A_RUN = 900.0
FP32_TOLERANCE = 1e-3
"""Between one GPU and several: NCCL adds in another order than one device does."""
BF16_TOLERANCE = 5e-2
KILLED = ("resume", "async-save")
Needs = Callable[[], str]
"""Returns why a check cannot run here; empty: it can."""


@dataclass(frozen=True, slots=True)
class Check:
    """One run of ``lokal finetune``, and the run whose losses it must give."""

    name: str
    words: tuple[str, ...]
    needs: Needs
    like: str = ""
    """Name of the run to compare with; empty: only the loss must fall."""
    tolerance: float = 0.0


class Bench:
    """Runs ``lokal`` in a folder of its own and reads its losses."""

    def __init__(self, root: Path, words: Sequence[str]) -> None:
        self.root = root
        self.words = words

    def command(self, name: str, words: Sequence[str]) -> list[str]:
        """Return the command line of one training run."""
        corpus = self.root / "corpus" / "corpus" / "id"
        return [
            sys.executable, "-m", "lokal.recipes.finetune", "region=id", f"name={name}",
            f"root={self.root}", f"corpus_folder={corpus}", f"training.max_steps={STEPS}",
            "training.save_every_steps=4", *self.words, *words,
        ]  # fmt: skip

    def prepare(self) -> None:
        """Make the sample corpus once."""
        words = ["region=id", "name=corpus", f"root={self.root}"]
        subprocess.run(
            [sys.executable, "-m", "lokal.recipes.prepare", *words], check=True, capture_output=True
        )

    def losses(self, name: str) -> list[float]:
        """Return the loss of each step."""
        path = self.root / name / "metrics.jsonl"
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [record["loss"] for record in records if "loss" in record]

    def train(self, name: str, words: Sequence[str]) -> str:
        """Run to the end; return the last line of what it printed where it failed, else nothing."""
        done = subprocess.run(
            self.command(name, words),
            capture_output=True, text=True, check=False, timeout=SECONDS_A_RUN,
        )  # fmt: skip
        return "" if done.returncode == 0 else f"exit {done.returncode}: {_last(done.stderr)}"

    def train_with_a_kill(self, name: str, words: Sequence[str]) -> str:
        """Kill with -9 after the first checkpoint, then run the same command to the end."""
        process = subprocess.Popen(
            self.command(name, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + SECONDS_A_RUN
        while not (self.root / name / "checkpoints" / "step-4" / "manifest.json").is_file():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                return "it ended before its first checkpoint"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return self.train(name, words)


def checks(num_devices: int) -> list[Check]:
    """Return what is run, in order; later ones compare with earlier ones."""

    def gpus(wanted: int, package: str = "") -> Needs:
        return lambda: _missing(wanted, package, num_devices=num_devices)

    def cuda(package: str = "") -> Needs:  # what not even a rehearsal on a CPU can show
        return lambda: _missing(1, package, num_devices=torch.cuda.device_count())

    fp32, bf16 = "training.precision=fp32", "training.precision=bf16"
    several = f"launch.processes={max(2, num_devices)}"
    listed = [
        Check("single-fp32", ("strategy=single", fp32), gpus(1)),
        Check("single-bf16", ("strategy=single", bf16), gpus(1), "single-fp32", BF16_TOLERANCE),
        Check("resume", ("strategy=single", fp32), gpus(1), "single-fp32", 1e-5),
        Check(
            "async-save", ("strategy=single", "training.async_save=true", fp32), gpus(1),
            "single-fp32", 1e-5,
        ),
    ]  # fmt: skip
    listed += [
        Check(
            f"{strategy}-nccl", (f"strategy={strategy}", several, fp32),
            gpus(2), "single-fp32", FP32_TOLERANCE,
        )
        for strategy in ("ddp", "fsdp", "zero2", "zero3")
    ]  # fmt: skip
    listed.append(
        Check("compile", ("training.compile=true", bf16), gpus(1), "single-bf16", BF16_TOLERANCE)
    )
    listed.append(Check("qlora", ("method=qlora", bf16), gpus(1, "bitsandbytes")))
    packed = ("tokens.layout=packed", bf16)
    listed += [
        Check("packed", (*packed, "training.attention=sdpa"), gpus(1)),
        Check(
            "flash", (*packed, "training.attention=flash"), cuda("flash_attn"),
            "packed", BF16_TOLERANCE,
        ),
        Check("flex", (*packed, "training.attention=flex"), cuda(), "packed", BF16_TOLERANCE),
        Check(
            "liger", ("training.liger=true", bf16), cuda("liger_kernel"),
            "single-bf16", BF16_TOLERANCE,
        ),
    ]  # fmt: skip
    return listed


def _missing(wanted: int, package: str, *, num_devices: int) -> str:
    if num_devices < wanted:
        devices = "CUDA device" if wanted == 1 else "CUDA devices"
        return f"needs {wanted} {devices}, this machine has {num_devices}"
    if package and importlib.util.find_spec(package) is None:
        return f"needs the package {package}"
    return ""


def run(check: Check, bench: Bench) -> tuple[str, str]:
    """Return the verdict of a check (passed, FAILED or not run) and its figure or reason."""
    if reason := check.needs():
        return "not run", reason
    start = bench.train_with_a_kill if check.name in KILLED else bench.train
    if problem := start(check.name, check.words):
        return "FAILED", problem
    losses = bench.losses(check.name)
    if not check.like:
        fell = losses[-1] < losses[0]
        return "passed" if fell else "FAILED", f"loss {losses[0]:.4f} to {losses[-1]:.4f}"
    others = bench.losses(check.like)
    gap = max(abs(a - b) for a, b in zip(losses, others, strict=True))
    verdict = "passed" if gap <= check.tolerance else "FAILED"
    return verdict, f"losses within {gap:.1e} of {check.like} (allowed {check.tolerance:g})"


def page(rows: Sequence[tuple[Check, str, str]], *, now: datetime) -> str:
    """Return docs/gpu.md."""
    names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    versions = package_versions()
    shown = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers", "peft"))
    lines = [
        f"| {check.name} | `{' '.join(check.words)}` | {verdict} | {figure} |"
        for check, verdict, figure in rows
    ]
    return "\n".join(
        [
            "# What was run on GPUs",
            "",
            "Made by `make gpu`, a checklist of some minutes: run it on a machine with GPUs and"
            " commit this page.",
            f"Last run: {now.date().isoformat()}, {', '.join(names) or 'no CUDA device'}, "
            f"Python {platform.python_version()}, {shown}.",
            "",
            "| check | `lokal finetune` with | result | figure or reason |",
            "|---|---|---|---|",
            *lines,
            "",
            f"Each trains the embedded model on the shipped Indonesian sample, {STEPS} steps. "
            "`resume` and `async-save` are killed with -9 after their first checkpoint and given "
            "again.",
            "",
        ]
    )


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].replace("|", "/") if lines else "nothing printed"


def main() -> None:
    """Run the checks, print a line for each, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the page to write, docs/gpu.md")
    parser.add_argument("--rehearse", action="store_true", help="two CPU processes instead")
    words = parser.parse_args()
    target: Path | None = None if words.rehearse else words.write
    num_devices = 2 if words.rehearse else torch.cuda.device_count()
    of_model = REHEARSED if words.rehearse else TRAINED
    bench = Bench(Path(mkdtemp(prefix="lokal-gpu-")), of_model)
    if num_devices:
        bench.prepare()
    rows: list[tuple[Check, str, str]] = []
    for check in checks(num_devices):
        verdict, figure = run(check, bench)
        print(f"{check.name:<14} {verdict:<8} {figure}", flush=True)
        rows.append((check, verdict, figure))
    if target is not None:
        target.write_text(page(rows, now=datetime.now(UTC)), encoding="utf-8")
    shutil.rmtree(bench.root)
    sys.exit(any(verdict == "FAILED" for _, verdict, _ in rows))


if __name__ == "__main__":
    main()
