"""``strategy=zero2`` and ``zero3`` say what they lack; what they compute is in ``test_matrix``."""

from pathlib import Path

import pytest
import torch
from lokal.data.errors import UserError
from lokal.training.settings import MethodKind, Stack, TrainingConfig
from lokal.training.stack import TrainableModel, load_model
from lokal.training.zero import Zero3Strategy, ZeroStrategy

from .llama_cases import make_method

KINDS = pytest.mark.parametrize("kind", [ZeroStrategy, Zero3Strategy])


@pytest.fixture
def model(tiny_llama_folder: Path) -> TrainableModel:
    method = make_method(MethodKind.lora)
    return load_model(Stack.hf, tiny_llama_folder, method, dtype=torch.float32, seed=1)


@KINDS
def test_one_process_alone_is_told_what_to_choose(model: TrainableModel, kind: type[ZeroStrategy]):
    with pytest.raises(UserError, match=r"launch\.processes=2 or more, or choose strategy=single"):
        kind(model, TrainingConfig())


@KINDS
def test_a_missing_deepspeed_is_named(
    monkeypatch: pytest.MonkeyPatch, model: TrainableModel, kind: type[ZeroStrategy]
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install deepspeed"):
        kind(model, TrainingConfig())
