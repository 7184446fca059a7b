"""lokal on the benchmark's rows, by its own recipe: ``python ours.py JOB.json``.

It writes what it measured as JSON to the job's ``result``.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from lokal.recipes.finetune import finetune
from lokal.training.strategy import SingleStrategy


class StepClock:
    """When each optimizer step ended, and how long its passes and its update took.

    A step's other time is the loop's own. The seconds of a run in several processes are those that
    it reports, since they pass elsewhere.
    """

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []
        """Seconds, and seconds of the processors."""
        self.inside = [0.0]
        SingleStrategy.accumulate = self._timed(SingleStrategy.accumulate)
        update = self._timed(SingleStrategy.step)

        @wraps(update)
        def step(*args: Any, **named: Any) -> float:  # noqa: ANN401  passed on
            norm = update(*args, **named)
            self.ends.append((time.perf_counter(), time.process_time()))
            self.inside.append(0.0)
            return norm

        SingleStrategy.step = step

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def timed(*args: Any, **named: Any) -> Any:  # noqa: ANN401  passed on
            started = time.perf_counter()
            result = call(*args, **named)
            self.inside[-1] += time.perf_counter() - started
            return result

        return timed


def main() -> None:
    """Train as the job says."""
    job = json.loads(Path(sys.argv[1]).read_text())
    clock = StepClock()
    if job["threads"]:
        import torch

        torch.set_num_threads(job["threads"])
    code = finetune.main(overrides(job))
    if code:
        raise SystemExit(code)
    metrics = Path(job["folder"]) / "run" / "metrics.jsonl"
    steps = [json.loads(line) for line in metrics.read_text().splitlines()]
    seconds = [step["tokens"] / step["tokens_per_second"] for step in steps]
    if clock.ends:  # one process: with all that stands between the steps
        seconds[1:] = [b[0] - a[0] for a, b in itertools.pairwise(clock.ends)]
    result = {
        "step_seconds": seconds,
        "step_processor_seconds": [0.0, *(b[1] - a[1] for a, b in itertools.pairwise(clock.ends))],
        "step_tokens": [step["tokens"] for step in steps],
        "losses": [step["loss"] for step in steps],
        "inside_seconds": clock.inside[: len(clock.ends)],
        "mfu": [step["mfu"] for step in steps],
    }
    Path(job["result"]).write_text(json.dumps(result))


def overrides(job: dict) -> list[str]:
    """Return the command line of the run."""
    processes = job["processes"]
    return [
        "region=id",
        "name=run",
        f"root={job['folder']}",
        f"corpus_folder={job['corpus']}",
        "~sources.sib200-train",
        "+sources.chats=1.0",
        f"method={job['method']}",
        "tokens.layout=" + ("packed" if job["packed"] else "buckets"),
        f"tokens.max_tokens={job['pack_tokens'] if job['packed'] else job['max_tokens']}",
        f"training.rows_per_step={1 if job['packed'] else job['rows_per_step']}",
        f"training.micro_rows={job['rows_per_step']}",
        f"training.precision={job['precision']}",
        f"training.lr={job['lr']}",
        "training.save_every_steps=1000",
        *(["strategy=ddp", f"launch.processes={processes}"] if processes > 1 else []),
        *job["settings"],
    ]


if __name__ == "__main__":
    main()
