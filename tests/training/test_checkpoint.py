"""Checkpoints: whole or not at all, verified before use."""

import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from lokal.data.errors import RunError
from lokal.data.manifest import code_version
from lokal.training.checkpoint import Checkpoints
from lokal.training.settings import TrainingConfig
from lokal.training.stack import TrainableModel
from lokal.training.strategy import SingleStrategy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Run:
    """A one-layer model in training, with its checkpoints."""

    def __init__(
        self,
        folder: Path,
        *,
        key: str = "k",
        keep: int = 2,
        size: int = 3,
        in_background: bool = False,
    ) -> None:
        torch.manual_seed(0)
        self.size = size
        self.module = torch.nn.Linear(size, size)
        self.trained = dict(self.module.named_parameters())
        model = TrainableModel(
            module=self.module,
            layers=[],
            save=lambda folder, weights: None,
            shares_prefix=False,
            saves_all=True,
        )
        self.strategy = SingleStrategy(model, TrainingConfig())
        self.checkpoints = Checkpoints(folder, key, keep, in_background=in_background)

    def train(self, step: int) -> None:
        self.module(torch.full((2, self.size), step / 100)).square().sum().backward()
        self.strategy.step(lr=0.1)

    def save(self, step: int, *, score: float | None = None) -> None:
        self.checkpoints.save(self.strategy, step=step, started_at=NOW, now=NOW, score=score)

    def train_and_save(self, *steps: int) -> None:
        for step in steps:
            self.train(step)
            self.checkpoints.go_on(self.strategy)
            self.save(step)

    def load(self) -> int:
        return self.checkpoints.load_newest(self.strategy)


def test_puts_back_weights_and_optimizer_exactly(tmp_path: Path):
    first = Run(tmp_path)
    first.train_and_save(1, 2)
    second = Run(tmp_path)
    assert second.load() == 2
    for run in (first, second):
        run.train_and_save(3)
    for name, parameter in first.trained.items():
        assert torch.equal(parameter, second.trained[name])


def test_keeps_only_the_newest_and_says_which_is_latest(tmp_path: Path):
    Run(tmp_path, keep=2).train_and_save(1, 2, 3, 10)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-10", "step-3"]
    assert '"step": 10' in (tmp_path / "latest").read_text()


def test_a_folder_without_manifest_is_never_read(tmp_path: Path):
    Run(tmp_path).train_and_save(1, 2)
    (tmp_path / "step-2" / "manifest.json").unlink()
    assert Run(tmp_path).load() == 1


def test_other_work_is_never_resumed(tmp_path: Path):
    Run(tmp_path, key="one").train_and_save(1)
    assert Run(tmp_path, key="another").load() == 0


FILES = (
    "weights.safetensors",
    "optimizer.safetensors",
    "rng-0.safetensors",
    "state.json",
    "manifest.json",
    "manifest.sha256",
)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "swap"])
def test_every_damage_is_found_and_the_checkpoint_before_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str
):
    Run(tmp_path).train_and_save(1, 2)
    path = tmp_path / "step-2" / name
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content[:-1])
    elif damage == "swap":
        other = path.with_name(FILES[FILES.index(name) - 1])
        path.write_bytes(other.read_bytes())
        other.write_bytes(content)
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert Run(tmp_path).load() == 1
    assert f"WARNING {tmp_path}" in capsys.readouterr().err


def test_an_emptied_folder_is_named_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    Run(tmp_path).train_and_save(1, 2)
    shutil.rmtree(tmp_path / "step-2")
    (tmp_path / "step-2").mkdir()
    assert Run(tmp_path).load() == 1
    assert "step-2 has no manifest.json: passes over step-2" in capsys.readouterr().err


def test_a_damaged_checkpoint_counts_for_nothing_when_old_ones_are_removed(tmp_path: Path):
    Run(tmp_path).train_and_save(1, 2)
    (tmp_path / "step-2" / "state.json").unlink()
    run = Run(tmp_path)
    assert run.load() == 1
    run.train_and_save(3)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-1", "step-3"]


def test_the_best_is_kept_besides_the_newest(tmp_path: Path):
    run = Run(tmp_path, keep=2)
    for step, score in enumerate([3.0, 1.0, 2.0, None, 4.0, 5.0], start=1):
        run.train(step)
        run.save(step, score=score)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-2", "step-5", "step-6"]


def test_a_full_disk_is_one_line_and_what_was_saved_is_untouched(tmp_path: Path):
    run = Run(tmp_path, size=64)
    run.train_and_save(1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    run.train(2)
    with _room_for(20_000), pytest.raises(RunError, match=r"cannot write a .*: make room"):
        run.save(2)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    run.save(2)  # there is room again
    assert Run(tmp_path, size=64).load() == 2


def test_saved_in_the_background_every_byte_is_that_of_a_save_that_waits(tmp_path: Path):
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second", in_background=True)
    for run in (first, second):
        run.train_and_save(1, 2, 3)
        run.train(4)  # while the third is being written
        run.checkpoints.wait(run.strategy)
    for step in (2, 3):
        assert _files(tmp_path / "second" / f"step-{step}") == _files(
            tmp_path / "first" / f"step-{step}"
        )
    assert sorted(path.name for path in (tmp_path / "second").iterdir()) == [
        "latest", "step-2", "step-3",
    ]  # fmt: skip


def test_in_the_background_a_save_waits_for_the_one_before_it(tmp_path: Path):
    run = Run(tmp_path, in_background=True)
    run.train_and_save(1, 2)
    assert Run(tmp_path).load() >= 1
    run.checkpoints.wait(run.strategy)
    assert Run(tmp_path).load() == 2


def test_what_cannot_be_written_in_the_background_stops_the_run_at_a_later_step(tmp_path: Path):
    run = Run(tmp_path, size=64, in_background=True)
    run.train_and_save(1)
    run.checkpoints.wait(run.strategy)
    before = _files(tmp_path / "step-1")
    run.train(2)
    with _room_for(20_000):
        run.save(2)
        with pytest.raises(RunError, match=r"cannot write a .*: make room"):
            _train_until_it_stops(run)
    assert _files(tmp_path / "step-1") == before
    run.save(2)
    run.checkpoints.wait(run.strategy)
    assert Run(tmp_path, size=64).load() == 2


def _train_until_it_stops(run: Run) -> None:
    for step in range(3, 10_000):
        run.train(step)
        run.checkpoints.go_on(run.strategy)


@contextmanager
def _room_for(num_bytes: int) -> Iterator[None]:
    """Behave as a disk with so many bytes left for each file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    run = Run(tmp_path / "file" / "checkpoints")
    run.train(1)
    with pytest.raises(RunError, match="cannot write a checkpoint into"):
        run.save(1)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("in_background", [False, True], ids=["waits", "in the background"])
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.proof)])
def test_killed_in_a_save_the_newest_whole_checkpoint_is_always_there(
    tmp_path: Path, kills: int, in_background: bool
):
    moments = random.Random(0)
    num_left = 0
    newest = 0
    code_version()  # asks git: once here, not in every child's first save
    another = Run(tmp_path / "another", size=128)
    another.train_and_save(1)
    started = time.monotonic()
    another.train_and_save(2)
    seconds = time.monotonic() - started
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            _train_for_ever(tmp_path, in_background=in_background)
        _wait_for_a_save(tmp_path)
        time.sleep(moments.uniform(0, 5 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        num_left += any(tmp_path.glob(".step-*.tmp"))
        run = Run(tmp_path, size=128)
        step = run.load()
        assert step >= newest
        assert _is_unbroken(run, step)
        newest = step
    print(f"{num_left} of {kills} kills left a temporary folder, {newest} steps")
    assert num_left >= kills // 3, "many kills came while files were being written"
    assert newest >= kills // 10


def _train_for_ever(folder: Path, *, in_background: bool) -> None:
    """Go on from the newest checkpoint and save after every step, until killed."""
    try:
        run = Run(folder, size=128, in_background=in_background)
        step = run.load()
        while True:
            step += 1
            run.train_and_save(step)
    finally:
        os._exit(1)


def _wait_for_a_save(folder: Path) -> None:
    """Return when a save begins that was not there before."""
    before = {path.stat().st_mtime_ns for path in folder.glob(".step-*.tmp")}
    for _ in range(100_000):
        try:
            if {path.stat().st_mtime_ns for path in folder.glob(".step-*.tmp")} - before:
                return
        except FileNotFoundError:
            continue
        time.sleep(0.0002)
    pytest.fail("no save began")


def _is_unbroken(run: Run, step: int) -> bool:
    same = Run(Path("nowhere"), size=run.size)
    for number in range(1, step + 1):
        same.train(number)
    return all(torch.equal(value, same.trained[name]) for name, value in run.trained.items())
