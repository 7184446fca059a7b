"""``--multirun``: one job for each value, in this process or as a SLURM array of submitit."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ..local_slurm import needs_slurm, partition
from .test_finetune import Bench, environment

WORDS = ("training.max_steps=2",)


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path, tiny_corpus: Path
) -> Bench:
    return Bench(tmp_path_factory.mktemp("sweeps"), tiny_llama_folder, tiny_corpus)


def sweep(bench: Bench, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*bench.command(name, *WORDS, *words), "--multirun"]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def alone(bench: Bench) -> dict[str, list[float]]:
    """Return the losses of each value's run by itself."""
    for lr in ("0.01", "0.02"):
        code, printed = bench.run(f"alone-{lr}", *WORDS, f"training.lr={lr}")
        assert code == 0, printed
    return {lr: bench.losses(f"alone-{lr}") for lr in ("0.01", "0.02")}


def test_a_sweep_makes_the_run_of_each_value(bench: Bench, alone: dict[str, list[float]]) -> None:
    done = sweep(bench, "here-${training.lr}", "training.lr=0.01,0.02")
    assert done.returncode == 0, done.stderr
    assert {lr: bench.losses(f"here-{lr}") for lr in alone} == alone


@pytest.mark.proof
@needs_slurm
def test_submitit_runs_a_sweep_on_slurm_with_the_same_losses(
    bench: Bench, alone: dict[str, list[float]]
) -> None:
    pytest.importorskip("submitit")
    launcher = ["hydra/launcher=submitit_slurm", f"hydra.launcher.partition={partition()}"]
    limits = ["hydra.launcher.timeout_min=10", "hydra.launcher.cpus_per_task=1"]
    done = sweep(bench, "slurm-${training.lr}", "training.lr=0.01,0.02", *launcher, *limits)
    assert done.returncode == 0, done.stderr
    assert {lr: bench.losses(f"slurm-{lr}") for lr in alone} == alone
    logs = list((bench.root / "sweeps").glob("finetune-*/.submitit/*/*_log.out"))
    assert len(logs) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["name=same", "training.lr=1,2"], "two jobs would write to one folder: say name="),
        (["training.lr=0.1,-1"], "training.lr must be above 0, got -1.0"),
        (["trainig.lr=1,2"], "unknown key 'trainig.lr': did you mean 'training.lr'?"),
        (
            ["region=id,xx", "name=${region.code}"],
            "region=xx: no such choice: choose one of en, hi, id, tl",
        ),
        (["hydra/launcher=submitit_slrum"], "hydra/launcher=submitit_slrum needs a plugin: pip"),
    ],
)
def test_a_job_that_could_not_run_stops_the_sweep_before_any_starts(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], message: str
) -> None:
    from lokal.recipes.finetune import finetune

    assert finetune.main([f"root={tmp_path}", "-m", *words]) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]
    shutil.rmtree(tmp_path / "sweeps", ignore_errors=True)
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_fails_is_the_sweeps_failure(bench: Bench) -> None:
    done = sweep(bench, "bad-${training.lr}", "training.lr=0.01,0.02", "corpus_folder=/not/there")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("lokal finetune: /not/there does not exist")
