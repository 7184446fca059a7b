"""torchtune beside a newer torchao: the stand-ins work, and leave when they are not needed."""

import importlib.util
from pathlib import Path

import pytest
from lokal.training.torchtune_compat import LOST_NAMES
from torchao import quantization


@pytest.mark.parametrize("name", LOST_NAMES)
def test_fails_once_torchao_or_torchtune_no_longer_needs_the_stand_in(name: str):
    assert getattr(quantization, name) is LOST_NAMES[name], "torchao has it again: remove it here"
    spec = importlib.util.find_spec("torchtune")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "training" / "quantization.py"
    assert name in source.read_text(encoding="utf-8"), "torchtune lets go of it: remove it here"


def test_a_quantizer_without_successor_says_so_when_called():
    with pytest.raises(NotImplementedError, match=r"not available with torchao 0\.17"):
        LOST_NAMES["int8_dynamic_activation_int4_weight"](group_size=32)
