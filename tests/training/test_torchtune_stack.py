"""``stack=torchtune`` computes what ``stack=hf`` computes, and saves what anyone can open."""

import json
from pathlib import Path

import pytest
import torch
from lokal.data.batches import Batch, collate
from lokal.data.errors import UserError
from lokal.data.tokens import TokenRows, write_tokens
from lokal.training.hf_stack import load_hf_model
from lokal.training.settings import MethodConfig, MethodKind
from lokal.training.torchtune_stack import load_torchtune_model
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM

from .llama_cases import IDS_BT, LLAMA_3_1_ROPE, TARGETS, logits_of, make_llama, save, train

LORA = MethodConfig(kind=MethodKind.lora, rank=4, alpha=8, targets=TARGETS)
FULL = MethodConfig(kind=MethodKind.full)
DORA = MethodConfig(kind=MethodKind.dora, rank=4, alpha=8, targets=TARGETS)
SOME = MethodConfig(
    kind=MethodKind.lora, rank=4, alpha=8, targets=["down_proj", "q_proj"], first_layer=1
)


@pytest.fixture(scope="module")
def batches(
    tiny_corpus: Path, tiny_llama_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Batch]:
    """Return five batches in three scripts; every second one is packed."""
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    write_tokens(
        folder,
        tiny_corpus,
        tokenizer,
        sources={"task": 1, "text": 1},
        max_tokens=256,
        plain_text=True,
    )
    rows = TokenRows.open(folder)
    chosen = [[rows.row((3 * step + k) % len(rows)) for k in range(4)] for step in range(5)]
    packs = [
        [four[:3], four[3:]] if step % 2 else [[row] for row in four]
        for step, four in enumerate(chosen)
    ]
    return [collate(several, prefix=[], pad_id=2) for several in packs]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tie_word_embeddings": False},
        {"num_key_value_heads": 4, "head_dim": 32},
        {"rope_parameters": LLAMA_3_1_ROPE},
        {"rope_parameters": LLAMA_3_1_ROPE, "tie_word_embeddings": False},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0}},
    ],
    ids=[
        "tied, grouped heads",
        "untied",
        "wide heads",
        "Llama 3.1 positions",
        "Llama 3.1 positions, untied",
        "SmolLM2 positions",
    ],
)
def test_logits_equal_those_of_transformers_to_1e_4(tmp_path: Path, changes: dict[str, object]):
    folder = make_llama(tmp_path, **changes)
    ours = logits_of(load_torchtune_model(folder, LORA, dtype=torch.float32, seed=0), IDS_BT)
    with torch.no_grad():
        theirs = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)(IDS_BT).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_reads_a_checkpoint_in_several_files(tmp_path: Path):
    whole = make_llama(tmp_path / "whole")
    cut = tmp_path / "cut"
    LlamaForCausalLM.from_pretrained(whole).save_pretrained(cut, max_shard_size="100KB")
    assert len(list(cut.glob("*.safetensors"))) > 1
    first, second = (
        logits_of(load_torchtune_model(folder, FULL, dtype=torch.float32, seed=0), IDS_BT)
        for folder in (whole, cut)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    "method", [LORA, DORA, SOME, FULL], ids=["lora", "dora", "some layers", "full"]
)
def test_the_same_seed_gives_the_losses_of_the_hf_stack_to_1e_4(
    tiny_llama_folder: Path, batches: list[Batch], method: MethodConfig
):
    hf = load_hf_model(tiny_llama_folder, method, dtype=torch.float32, seed=3)
    tune = load_torchtune_model(tiny_llama_folder, method, dtype=torch.float32, seed=3)
    assert sum(p.numel() for p in tune.trained().values()) == sum(
        p.numel() for p in hf.trained().values()
    )
    losses = train(hf, [*batches, batches[0]])
    assert losses[-1] < losses[0]
    assert train(tune, [*batches, batches[0]]) == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize("method", [LORA, DORA, SOME], ids=["lora", "dora", "some layers"])
def test_the_adapter_opens_in_peft_with_the_same_logits_to_1e_4(
    tiny_llama_folder: Path, batches: list[Batch], tmp_path: Path, method: MethodConfig
):
    model = load_torchtune_model(tiny_llama_folder, method, dtype=torch.float32, seed=0)
    train(model, batches)
    save(model, tmp_path)
    base = LlamaForCausalLM.from_pretrained(tiny_llama_folder, dtype=torch.float32)
    with torch.no_grad():
        before = base(IDS_BT).logits
        opened = PeftModel.from_pretrained(base, str(tmp_path))(IDS_BT).logits
    assert (opened - before).abs().max() > 0.01
    torch.testing.assert_close(opened, logits_of(model, IDS_BT), atol=1e-4, rtol=0)


@pytest.mark.parametrize("method", [SOME, DORA], ids=["lora", "dora"])
def test_the_adapter_folder_is_the_one_that_the_hf_stack_writes(
    tiny_llama_folder: Path, tmp_path: Path, method: MethodConfig
):
    configs: list[dict[str, object]] = []
    tensors: list[dict[str, torch.Tensor]] = []
    for name, load in (("hf", load_hf_model), ("tune", load_torchtune_model)):
        target = tmp_path / name
        target.mkdir()
        save(load(tiny_llama_folder, method, dtype=torch.float32, seed=5), target)
        config = json.loads((target / "adapter_config.json").read_text())
        configs.append(config | {"target_modules": sorted(config["target_modules"])})
        tensors.append(load_file(target / "adapter_model.safetensors"))
    assert configs[0] == configs[1]
    assert tensors[0].keys() == tensors[1].keys()
    for key, value in tensors[0].items():
        assert torch.equal(value, tensors[1][key]), key


@pytest.mark.parametrize("tied", [True, False])
def test_a_fully_trained_model_opens_in_transformers_with_the_same_logits_to_1e_4(
    tmp_path: Path, batches: list[Batch], tied: bool
):
    folder = make_llama(tmp_path / "base", vocab_size=512, tie_word_embeddings=tied)
    model = load_torchtune_model(folder, FULL, dtype=torch.float32, seed=0)
    train(model, batches[:2])
    target = tmp_path / "model"
    target.mkdir()
    save(model, target)
    opened = LlamaForCausalLM.from_pretrained(target)
    assert opened.dtype is torch.float32
    with torch.no_grad():
        logits = opened(IDS_BT).logits
    torch.testing.assert_close(logits, logits_of(model, IDS_BT), atol=1e-4, rtol=0)


@pytest.mark.parametrize("method", [LORA, DORA, FULL], ids=["lora", "dora", "full"])
def test_in_bf16_the_trained_weights_are_fp32_and_the_losses_close(
    tiny_llama_folder: Path, batches: list[Batch], method: MethodConfig
):
    model = load_torchtune_model(tiny_llama_folder, method, dtype=torch.bfloat16, seed=0)
    assert {value.dtype for value in model.trained().values()} == {torch.float32}
    exact = load_torchtune_model(tiny_llama_folder, method, dtype=torch.float32, seed=0)
    assert train(model, batches[:3]) == pytest.approx(train(exact, batches[:3]), abs=0.05)


@pytest.mark.parametrize(
    ("changes", "method", "message"),
    [
        ({"attention_bias": True}, LORA, "has biases"),
        ({"hidden_act": "gelu"}, LORA, "choose stack=hf"),
        (
            {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}},
            LORA,
            "scales its positions by 'linear'",
        ),
        ({}, MethodConfig(kind=MethodKind.lora, targets=["q_prog"]), "'q_prog': .* knows q_proj"),
        ({}, MethodConfig(kind=MethodKind.full, first_layer=2), r"must lie in 0\.\.1"),
    ],
)
def test_what_torchtune_cannot_build_is_said_in_one_line(
    tmp_path: Path, changes: dict[str, object], method: MethodConfig, message: str
):
    folder = make_llama(tmp_path, **changes)
    with pytest.raises(UserError, match=message):
        load_torchtune_model(folder, method, dtype=torch.float32, seed=0)


@pytest.mark.parametrize("name", ["model.norm.weight", "lm_head.weight"])
def test_a_checkpoint_that_lacks_a_weight_is_refused(tmp_path: Path, name: str):
    path = make_llama(tmp_path, tie_word_embeddings=False) / "model.safetensors"
    weights = load_file(path)
    del weights[name]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks the weight"):
        load_torchtune_model(tmp_path, LORA, dtype=torch.float32, seed=0)
