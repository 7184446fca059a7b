"""``method=qlora``: the base in 4 bits learns, stays as it is, and its adapter opens in PEFT."""

import importlib.util
from pathlib import Path

import pytest
import torch
from lokal.data.errors import UserError
from lokal.recipes.finetune import finetune
from lokal.training.four_bit import load_four_bit_llama
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodKind
from lokal.training.stack import TrainableModel
from lokal.training.torchtune_compat import NF4Tensor
from lokal.training.torchtune_stack import load_torchtune_model
from peft import PeftModel

from .llama_cases import IDS_BT, logits_of, make_batch, make_llama, make_method, save, train

QLORA = make_method(MethodKind.qlora)
stacks = pytest.mark.parametrize(
    "load", [load_hf_model, load_torchtune_model], ids=["hf", "torchtune"]
)


def four_bit_weights(model: TrainableModel) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().clone() if value.dtype is torch.uint8 else value.get_original_weight()  # pyright: ignore[reportAttributeAccessIssue]
        for name, value in model.module.named_parameters()
        if value.dtype is torch.uint8 or isinstance(value.data, NF4Tensor)
    }


@stacks
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_it_learns_like_lora_and_leaves_the_base_as_it_is(tmp_path: Path, load, dtype: torch.dtype):
    folder = make_llama(tmp_path)
    model = load(folder, QLORA, dtype=dtype, seed=0)
    before = four_bit_weights(model)
    assert len(before) == 2 * 7  # every linear layer of both decoder layers
    losses = train(model, [make_batch()] * 5)
    lora = load_hf_model(folder, make_method(MethodKind.lora), dtype=dtype, seed=0)
    assert losses == pytest.approx(train(lora, [make_batch()] * 5), abs=0.05)
    assert losses[-1] < losses[0] - 0.3
    for name, value in four_bit_weights(model).items():
        assert torch.equal(value, before[name]), name
    assert {value.dtype for value in model.trained().values()} == {torch.float32}


def test_the_adapter_opens_in_peft_above_the_same_four_bit_base(tmp_path: Path):
    folder = make_llama(tmp_path / "base")
    model = load_hf_model(folder, QLORA, dtype=torch.float32, seed=0)
    train(model, [make_batch()] * 3)
    base = load_four_bit_llama(folder, dtype=torch.float32)
    opened = PeftModel.from_pretrained(base, str(save(model, tmp_path / "adapter"))).eval()
    with torch.no_grad():
        logits = opened(IDS_BT).logits
    torch.testing.assert_close(logits, logits_of(model, IDS_BT), atol=1e-4, rtol=0)


@stacks
def test_evaluating_in_between_changes_no_later_loss(tmp_path: Path, load):
    folder = make_llama(tmp_path)
    plain, looked_at = (load(folder, QLORA, dtype=torch.float32, seed=0) for _ in range(2))
    losses = train(plain, [make_batch()] * 4)
    first = train(looked_at, [make_batch()] * 2)
    logits_of(looked_at, IDS_BT)
    assert first == losses[:2]
    fresh = load(folder, QLORA, dtype=torch.float32, seed=0)
    logits_of(fresh, IDS_BT)
    assert train(fresh, [make_batch()] * 4) == losses


def test_an_absent_bitsandbytes_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "bitsandbytes" else find_spec(name, *rest),
    )
    with pytest.raises(UserError, match=r"pip install 'lokal\[qlora\]'"):
        load_hf_model(make_llama(tmp_path), QLORA, dtype=torch.float32, seed=0)


def test_hardware_without_four_bit_kernels_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from bitsandbytes import functional

    def fail(*_args: object, **_settings: object):
        raise NotImplementedError("no kernel for this device")

    monkeypatch.setattr(functional, "quantize_4bit", fail)
    with pytest.raises(UserError, match=r"no 4-bit weights on cpu here .*choose method=lora"):
        load_hf_model(make_llama(tmp_path), QLORA, dtype=torch.float32, seed=0)


def test_a_size_that_cannot_be_cut_into_blocks_is_said_in_one_line(tmp_path: Path):
    folder = make_llama(tmp_path, hidden_size=60, intermediate_size=90, head_dim=14)
    with pytest.raises(UserError, match="no multiple of 64"):
        load_torchtune_model(folder, QLORA, dtype=torch.float32, seed=0)


def test_the_strategies_that_would_change_torchaos_weights_are_refused(
    capsys: pytest.CaptureFixture[str],
):
    words = ["stack=torchtune", "method=qlora", "strategy=ddp", "launch.processes=2", "name=x"]
    assert finetune.main(words) == 2
    assert "choose strategy=single or stack=hf" in capsys.readouterr().err
