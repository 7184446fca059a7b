"""``training.compile=true`` changes no loss."""

import shutil
from pathlib import Path

import pytest
import torch
from lokal.data.batches import collate
from lokal.data.chat import EncodedConversation
from lokal.data.errors import UserError
from lokal.training.settings import MethodConfig, MethodKind, Stack
from lokal.training.stack import compile_layers, load_model

LORA = MethodConfig(kind=MethodKind.lora, rank=4, targets=["q_proj", "down_proj"])


@pytest.mark.proof
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on a CPU")
@pytest.mark.parametrize("stack", list(Stack))
def test_compiled_layers_give_the_losses_and_gradients_to_1e_5(
    tiny_llama_folder: Path, stack: Stack
):
    seen: list[list[torch.Tensor]] = []
    for compiled in (False, True):
        model = load_model(stack, tiny_llama_folder, LORA, dtype=torch.float32, seed=0)
        if compiled:
            compile_layers(model)
        outcome: list[torch.Tensor] = []
        for length in (9, 14):  # rows of another length are no new compilation's error
            rows = [
                EncodedConversation(list(range(k, k + length)), [True] * length) for k in (5, 9)
            ]
            losses_N = model.module(collate([[row] for row in rows], prefix=[], pad_id=2))
            losses_N.sum().backward()
            outcome.append(losses_N.detach())
        grads = [parameter.grad for parameter in model.trained().values()]
        seen.append([*outcome, *(grad for grad in grads if grad is not None)])
    assert len(seen[0]) > 2
    for plain, other in zip(*seen, strict=True):
        torch.testing.assert_close(other, plain, atol=1e-5, rtol=1e-5)


def test_a_missing_compiler_is_named(tiny_llama_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    model = load_model(Stack.hf, tiny_llama_folder, LORA, dtype=torch.float32, seed=0)
    with pytest.raises(UserError, match="install g\\+\\+"):
        compile_layers(model)
