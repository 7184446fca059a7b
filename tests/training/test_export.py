"""``lokal export``: what is written is what was trained, tied head or not."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from lokal.data.manifest import Json, read_manifest, require_whole, write_manifest
from lokal.recipes.export import export
from lokal.training.replies import ask, compare, make_prompts
from lokal.training.trained_model import TrainedModel, load_llama
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM

HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make_trained(
    run: Path,
    parent: Path,
    *,
    modules: list[str] | None = None,
    ties: bool = False,
    dora: bool = False,
    source: str = "path",
) -> Path:
    """Return a finished model folder whose adapter and whole modules are far from their start."""
    torch.manual_seed(1)
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=LINEAR, modules_to_save=modules, use_dora=dora,
        ensure_weight_tying=ties, task_type="CAUSAL_LM",
    )  # fmt: skip
    model = get_peft_model(load_llama(parent), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    folder = run / "model"
    model.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(parent).save_pretrained(folder)
    (folder / "README.md").write_text(
        "---\nlibrary_name: peft\n---\n# A card\n\n## Licences, and what they ask\n\n- Much.\n"
    )
    (folder / "NOTICE").write_text("a notice")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    named: dict[str, Json] = {
        "label": "Tiny",
        "source": source,
        "path": "org/tiny",
        "revision": "c0ffee",
    }
    write_manifest(
        folder, recipe="finetune", key="x", config={"model": named}, inputs=[], licences=["MIT"],
        started_at=now, finished_at=now,
    )  # fmt: skip
    return folder


@dataclass
class Runs:
    root: Path
    parent: Path

    def trained(self, name: str, **settings: object) -> Path:
        return make_trained(self.root / name, self.parent, **settings)  # pyright: ignore[reportArgumentType]

    def export(self, name: str, *words: str) -> int:
        return export.main([f"name={name}", f"root={self.root}", "max_new_tokens=4", *words])


@pytest.fixture
def runs(tiny_llama_folder: Path, tmp_path: Path) -> Runs:
    return Runs(tmp_path, tiny_llama_folder)


@pytest.mark.parametrize("dora", [False, True])
def test_fifty_replies_and_all_logits_are_those_of_the_adapter(runs: Runs, dora: bool) -> None:
    folder = runs.trained("merge", dora=dora)
    assert runs.export("merge") == 0
    merged = load_llama(runs.root / "merge" / "export" / "merged")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = make_prompts(tokenizer, 50)
    before = ask(TrainedModel.open(folder).load(), tokenizer, prompts, max_new_tokens=8)
    after = ask(merged, tokenizer, prompts, max_new_tokens=8)
    difference = compare(before, after)
    assert difference.max_logit <= 1e-5
    assert (difference.num_equal_texts, difference.num_prompts) == (50, 50)
    untouched = ask(load_llama(runs.parent), tokenizer, prompts, max_new_tokens=8)
    assert compare(after, untouched).max_logit > 0.1


@pytest.mark.parametrize(
    ("modules", "ties"),
    [(["lm_head"], False), (["embed_tokens"], False), (["embed_tokens", "lm_head"], False)],
)
def test_a_trained_head_of_a_tied_model_survives(
    runs: Runs, modules: list[str], ties: bool
) -> None:
    assert json.loads((runs.parent / "config.json").read_text())["tie_word_embeddings"]
    folder = runs.trained("head", modules=modules, ties=ties)
    trained = load_file(folder / "adapter_model.safetensors")
    assert runs.export("head") == 0
    written = runs.root / "head" / "export" / "merged"
    assert not json.loads((written / "config.json").read_text())["tie_word_embeddings"]
    weights = load_file(written / "model.safetensors")
    assert not torch.equal(weights[HEAD], weights[EMBEDDING])
    for name in (HEAD, EMBEDDING):
        if (key := f"base_model.model.{name}") in trained:
            assert torch.equal(weights[name], trained[key])
    opened = LlamaForCausalLM.from_pretrained(written)
    assert torch.equal(opened.lm_head.weight, weights[HEAD])


def test_an_embedding_trained_with_its_tied_head_stays_one_matrix(runs: Runs) -> None:
    folder = runs.trained("tied", modules=["embed_tokens"], ties=True)
    trained = load_file(folder / "adapter_model.safetensors")
    assert runs.export("tied") == 0
    written = runs.root / "tied" / "export" / "merged"
    assert json.loads((written / "config.json").read_text())["tie_word_embeddings"]
    weights = load_file(written / "model.safetensors")
    assert HEAD not in weights
    assert torch.equal(weights[EMBEDDING], trained[f"base_model.model.{EMBEDDING}"])


def test_the_adapter_alone_names_its_parent_as_the_hub_does(runs: Runs) -> None:
    folder = runs.trained("adapter", source="hub")
    assert runs.export("adapter", "to=adapter") == 0
    written = runs.root / "adapter" / "export" / "adapter"
    config = json.loads((written / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("org/tiny", "c0ffee")
    opened = PeftModel.from_pretrained(load_llama(runs.parent), str(written))
    own = TrainedModel.open(folder).load()
    ids_BT = torch.arange(20)[None]
    assert torch.equal(opened(ids_BT).logits, own(ids_BT).logits)


def test_card_licence_texts_and_manifest_are_carried_over(runs: Runs) -> None:
    runs.trained("card")
    assert runs.export("card") == 0
    written = runs.root / "card" / "export" / "merged"
    manifest = require_whole(written)
    assert (manifest.recipe, manifest.licences) == ("export", ["MIT"])
    assert manifest.config["model"] == {
        "label": "Tiny", "source": "path", "path": "org/tiny", "revision": "c0ffee"
    }  # fmt: skip
    card = (written / "README.md").read_text()
    assert "library_name: transformers" in card
    assert card.index("## Export") < card.index("## Licences")
    assert "6 of 6 greedy replies of 4 tokens are the same" in card
    assert (written / "NOTICE").read_text() == "a notice"


def test_bf16_says_how_far_rounding_moves_the_logits(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.trained("half")
    assert runs.export("half", "dtype=bf16") == 0
    assert "rounding moves logits by 0.0" in capsys.readouterr().err
    written = runs.root / "half" / "export" / "merged-bf16"
    assert load_file(written / "model.safetensors")[EMBEDDING].dtype is torch.bfloat16
    assert json.loads((written / "config.json").read_text())["dtype"] == "bfloat16"
    manifest = read_manifest(written)
    assert manifest is not None
    measured: Any = manifest.counts["export"]
    assert measured["max_logit"] > 1e-4


def test_a_second_export_redoes_nothing_and_a_damaged_model_is_refused(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = runs.trained("again")
    assert runs.export("again") == 0
    assert runs.export("again") == 0
    assert "nothing to do" in capsys.readouterr().err
    weights = folder / "adapter_model.safetensors"
    values = load_file(weights)
    save_file({name: value + 1 for name, value in values.items()}, weights)
    assert runs.export("again", "to=adapter") == 2
    assert "remove" in capsys.readouterr().err


def test_what_says_something_else_is_not_written(
    runs: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.trained("wrong")

    def lose_the_adapter(adapted: PeftModel, **_: object) -> torch.nn.Module:
        return adapted.unload()  # pyright: ignore[reportCallIssue]

    monkeypatch.setattr("lokal.training.export.merge", lose_the_adapter)
    assert runs.export("wrong") == 1
    assert "says something else than what was trained" in capsys.readouterr().err
    assert list((runs.root / "wrong" / "export").iterdir()) == []


def test_whole_weights_are_exported_too_but_hold_no_adapter(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = runs.trained("whole")
    for path in (folder / "adapter_config.json", folder / "adapter_model.safetensors"):
        path.unlink()
    shutil.copy(runs.parent / "model.safetensors", folder)
    shutil.copy(runs.parent / "config.json", folder)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_manifest(
        folder, recipe="finetune", key="x", config={"model": {}}, inputs=[],
        started_at=now, finished_at=now,
    )  # fmt: skip
    assert runs.export("whole") == 0
    assert "0 at most" in capsys.readouterr().err
    assert runs.export("whole", "to=adapter") == 2
    assert "holds whole weights, no adapter: take to=merged" in capsys.readouterr().err
    assert runs.export("whole", "to=adapter", "dtype=bf16") == 2
