"""Submits trainings with the tiny model to a real SLURM, follows them, and does them harm."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lokal.data.manifest import sha256_of_file
from lokal.recipes.submit import submit

from ..recipes.test_finetune import Bench

CLUSTER = (
    "cluster=slurm", "cluster.partition=main", "cluster.nodes=2", "cluster.gpus_per_node=0",
    "cluster.processes_per_node=1", "cluster.cpus_per_process=1", "cluster.time_limit=00:20:00",
    "cluster.signal_seconds=60",
)  # fmt: skip
TRAINING = ("strategy=fsdp", "method.dropout=0.1", "training.micro_rows=1")
_ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")
_PATIENCE_SECONDS = 400.0


@dataclass
class Desk(Bench):
    """One folder of runs, and the jobs that make them."""

    def submit(self, name: str, *words: str, cluster: tuple[str, ...] = ()) -> str:
        """Submit a training; return the job's number."""
        own = self.command(name, *TRAINING, *words)[3:]
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            code = submit.main(["recipe=finetune", *CLUSTER, *cluster, *own])
        assert code == 0, printed.getvalue()
        found = re.search(r"job (\d+): finetune", printed.getvalue())
        assert found is not None, printed.getvalue()
        return found[1]

    def run_here(self, name: str, *words: str) -> None:
        """Run the same training in two processes of this machine."""
        code, printed = self.run(name, *TRAINING, "launch.processes=2", *words)
        assert code == 0, printed

    def wait_for_end(self, job: str, name: str) -> str:
        """Return SLURM's word for the job when it has ended for good."""

        def ended() -> bool:
            return show(job)["JobState"] in _ENDED

        wait(ended, what=f"job {job}: {show(job)}\n{self.log(name)[-3000:]}")
        return show(job)["JobState"]

    def wait_for_steps(self, name: str, steps: int) -> None:
        """Wait until the run has so many lines of metrics."""
        path = self.root / name / "metrics.jsonl"

        def there() -> bool:
            return path.is_file() and path.read_bytes().count(b"\n") >= steps

        wait(there, what=f"step {steps}\n{self.log(name)[-3000:]}")

    def log(self, name: str) -> str:
        path = self.root / name / "jobs" / "finetune" / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def outcome(self, name: str) -> dict[str, object]:
        path = self.root / name / "jobs" / "finetune" / "exit.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def curve(self, name: str) -> list[tuple[object, ...]]:
        """Return step, loss (or why it was skipped), rate and tokens: equal ones saw equal rows."""
        lines = (self.root / name / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        keys = ("step", "loss", "skipped", "lr", "tokens")
        return [tuple(one.get(key) for key in keys) for one in records]

    def weights(self, name: str) -> str:
        return sha256_of_file(self.root / name / "model" / "adapter_model.safetensors")

    def wandb_ids(self, name: str) -> list[str]:
        """Return the id of each start's offline run."""
        folders = (self.root / name / "wandb").glob("offline-run-*")
        return [folder.name.rpartition("-")[2] for folder in folders]

    def resumed_at(self, name: str) -> list[int]:
        """Return the steps at which the run was saved as asked."""
        return [int(step) for step in re.findall(r"saved at step (\d+) of", self.log(name))]

    def processes(self, name: str) -> dict[int, int]:
        """Return the ranks that run now, on all nodes: pid by rank."""
        found: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"name={name}\0".encode() not in (folder / "cmdline").read_bytes() + b"\0":
                    continue
                rank = re.search(rb"\0RANK=(\d+)\0", (folder / "environ").read_bytes())
                if rank and b"torch.distributed.run" not in (folder / "cmdline").read_bytes():
                    found[int(rank[1])] = int(folder.name)
        return found

    def kill_rank(self, name: str, rank: int) -> float:
        """Kill one rank with -9; return the seconds until no rank is left on any node."""
        os.kill(self.processes(name)[rank], signal.SIGKILL)
        started = time.monotonic()
        wait(lambda: not self.processes(name), what="the other ranks to end", seconds=60)
        return time.monotonic() - started


def show(job: str) -> dict[str, str]:
    """Return what scontrol says of a job."""
    command = ["scontrol", "show", "job", "--oneliner", job]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"(\w+)=(\S+)", text.splitlines()[0]))


def show_all(*jobs: str) -> dict[str, str]:
    """Return the state of each task of these jobs, by the number in its array."""
    found: dict[str, str] = {}
    for job in jobs:
        command = ["scontrol", "show", "job", "--oneliner", job]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in text.splitlines():
            values = dict(re.findall(r"(\w+)=(\S+)", line))
            found[values.get("ArrayTaskId", values["JobId"])] = values["JobState"]
    return found


def wait(ready, *, what: str, seconds: float = _PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        time.sleep(0.2)
    pytest.fail(f"waited {seconds:.0f} s for {what}")


@contextlib.contextmanager
def no_home() -> Iterator[None]:
    """Take HOME out of the environment that the job inherits."""
    before = os.environ.pop("HOME", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["HOME"] = before
