"""Checkpoints: whole or not at all, verified before use."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from lokal.training.checkpoint import Checkpoints
from lokal.training.settings import TrainingConfig
from lokal.training.stack import TrainableModel
from lokal.training.strategy import SingleStrategy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Run:
    """A one-layer model in training, with its checkpoints."""

    def __init__(self, folder: Path, *, key: str = "k", keep: int = 2) -> None:
        torch.manual_seed(0)
        self.module = torch.nn.Linear(3, 3)
        self.trained = dict(self.module.named_parameters())
        model = TrainableModel(
            module=self.module,
            layers=[],
            save=lambda folder, weights: None,
            shares_prefix=False,
            saves_all=True,
        )
        self.strategy = SingleStrategy(model, TrainingConfig())
        self.checkpoints = Checkpoints(folder, key, keep)

    def train_and_save(self, *steps: int) -> None:
        for step in steps:
            self.module(torch.full((2, 3), float(step))).square().sum().backward()
            self.strategy.step(lr=0.1)
            self.checkpoints.save(self.strategy, step=step, started_at=NOW, now=NOW)

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


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
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
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert Run(tmp_path).load() == 1
    assert f"WARNING {path}" in capsys.readouterr().err
