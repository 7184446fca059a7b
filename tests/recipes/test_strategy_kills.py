"""``lokal finetune`` with two processes under each strategy, killed with -9 and run again."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from .test_finetune import STEPS, Bench, weights_hash

WORDS = ("method.dropout=0.0", "training.micro_rows=1", "launch.processes=2")
STRATEGIES = ("ddp", "fsdp", "zero2", "zero3")


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path, tiny_corpus: Path
) -> Bench:
    return Bench(tmp_path_factory.mktemp("kills"), tiny_llama_folder, tiny_corpus)


def kill(bench: Bench, name: str, *words: str, steps: int = 1, after: float = 0.0) -> None:
    """Start it, wait for so many steps more, and kill it some seconds later."""
    path = bench.root / name / "metrics.jsonl"
    wanted = _num_lines(path) + steps
    process = bench.start(name, *words)
    while process.poll() is None and _num_lines(path) < wanted:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()


def _num_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.proof
def test_fsdp_killed_in_the_middle_goes_on_with_exactly_the_unbroken_losses_and_looks(
    bench: Bench, tmp_path: Path
):
    corpus = tmp_path / "with-heldout"
    shutil.copytree(bench.corpus, corpus)
    shutil.copy(corpus / "train-00000.parquet", corpus / "heldout-00000.parquet")
    words = (*WORDS, "strategy=fsdp", f"corpus_folder={corpus}", "watch.heldout_every_steps=4")
    code, printed = bench.run("unbroken", *words)
    assert code == 0, printed
    kill(bench, "killed", *words, steps=5)
    assert not (bench.root / "killed" / "model").exists()
    assert bench.run("killed", *words)[0] == 0
    assert bench.losses("killed") == bench.losses("unbroken")
    assert weights_hash(bench, "killed") == weights_hash(bench, "unbroken")
    looks = _looks(bench, "unbroken")
    assert [step for step, _ in looks] == [0, 4, 8, STEPS]
    assert all(looks[-1][1][code] < looks[0][1][code] for code in ("hi", "id", "tl"))
    assert _looks(bench, "killed") == looks


def _looks(bench: Bench, name: str) -> list[tuple[int, dict[str, float]]]:
    """Return step and bits per byte of each look at the held-out rows."""
    lines = map(json.loads, (bench.root / name / "heldout.jsonl").open())
    return [(line["step"], line["bits_per_byte"]) for line in lines]


@pytest.mark.proof
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_at_random_moments_each_strategy_ends_with_the_unbroken_losses_and_weights(
    bench: Bench, strategy: str
):
    words = (
        *WORDS, f"strategy={strategy}", "training.max_steps=40", "training.save_every_steps=1",
    )  # fmt: skip
    assert bench.run(strategy, *words)[0] == 0
    moments = random.Random(strategy)
    for _ in range(4):
        kill(bench, f"{strategy}-killed", *words, after=moments.uniform(0, 0.3))
    assert bench.run(f"{strategy}-killed", *words)[0] == 0
    assert bench.losses(f"{strategy}-killed") == bench.losses(strategy)
    assert weights_hash(bench, f"{strategy}-killed") == weights_hash(bench, strategy)


@pytest.mark.proof
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_from_two_processes_to_one_the_same_rows_and_losses_over_twenty_steps(
    bench: Bench, strategy: str
):
    words = ("method.dropout=0.0", f"strategy={strategy}", "training.max_steps=20")
    assert bench.run(f"{strategy}-two", *words, "launch.processes=2")[0] == 0
    name = f"{strategy}-two-then-one"
    kill(bench, name, *words, "launch.processes=2", steps=9)
    code, printed = bench.run(name, *words, "launch.processes=1")
    assert code == 0, printed
    assert bench.losses(name) == pytest.approx(bench.losses(f"{strategy}-two"), abs=1e-4)
