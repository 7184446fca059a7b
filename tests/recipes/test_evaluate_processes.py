"""``lokal evaluate`` in real processes: killed at any moment, and on the nodes of a cluster."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lokal.data.suite import load_suite, read_items
from lokal.recipes.evaluate import evaluate

from ..local_slurm import needs_slurm

NUM_ITEMS = 150


@pytest.fixture
def words(tmp_path: Path, tiny_llama_folder: Path) -> list[str]:
    """Return the command's words for real items in two languages, in three chunks each."""
    suite = load_suite("sib200")
    for language in ("id", "hi"):
        items = read_items(suite, split="test", language=language)[:NUM_ITEMS]
        rows = [{"id": item.id, "text": item.text, "label": item.label} for item in items]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{language}.jsonl").write_text("".join(lines), encoding="utf-8")
    return [
        "system=parent",
        "model=local",
        f"model.path={tiny_llama_folder}",
        f"suite.items.test='{tmp_path}/{{region}}.jsonl'",
        "languages=[id,hi]",
        "answers.precision=fp32",
        "answers.threads=1",
        "answers.batch_tokens=1000",
        "name=x",
    ]


def made(root: Path) -> dict[str, bytes]:
    folder = root / "x/generations/parent"
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}


@pytest.mark.parametrize("num_kills", [1, pytest.param(30, marks=pytest.mark.proof)])
def test_killed_at_random_moments_it_goes_on_and_ends_with_the_same_bytes(
    words: list[str], tmp_path: Path, num_kills: int
) -> None:
    assert evaluate.main([*words, f"root={tmp_path}/whole"]) == 0
    command = [sys.executable, "-m", "lokal.recipes.evaluate", *words, f"root={tmp_path}/killed"]
    generator = random.Random(num_kills)
    folder = tmp_path / "killed/x/generations/parent"
    for _ in range(num_kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        sizes = _sizes(folder)
        while _sizes(folder) == sizes and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(generator.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert made(tmp_path / "killed") == made(tmp_path / "whole")
    assert not list(folder.glob("*.partial*"))


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in sorted(folder.glob("*.jsonl*"))]


@pytest.mark.proof
@needs_slurm
def test_two_nodes_give_the_bytes_of_one_process(words: list[str], tmp_path: Path) -> None:
    assert evaluate.main([*words, f"root={tmp_path}/one"]) == 0
    command = [sys.executable, "-m", "lokal.recipes.evaluate", *words, f"root={tmp_path}/nodes"]
    done = subprocess.run(
        ["srun", "--nodes=2", "--ntasks=2", "--kill-on-bad-exit=1", *command],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert made(tmp_path / "nodes") == made(tmp_path / "one")
