"""The same weights here and behind a server: the same replies, states and counts."""

import json
from pathlib import Path

import pytest
from lokal.data.manifest import read_manifest
from lokal.recipes.evaluate import evaluate

from ...servers.chat_server import MODEL
from ...servers.model_server import serve_model
from .served_run import NUM_ITEMS, run, words

LANGUAGES = ("id", "hi")


@pytest.fixture
def talkative(folder: Path, tiny_llama_folder: Path) -> Path:
    """Return the tiny Llama with larger weights: else it repeats the prompt's last token."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(tiny_llama_folder, dtype=torch.float32)
    with torch.no_grad():
        for weight in model.model.layers.parameters():
            weight.mul_(1 if weight.ndim == 1 else 12)
    model.save_pretrained(folder / "talkative")
    AutoTokenizer.from_pretrained(tiny_llama_folder).save_pretrained(folder / "talkative")
    return folder / "talkative"


def said(folder: Path, system: str, language: str) -> list[tuple]:
    """Return id, reply, state and tokens of every row."""
    path = folder / f"runs/x/generations/{system}/sib200-{language}.jsonl"
    rows = map(json.loads, path.open(encoding="utf-8"))
    return [(row["id"], row["reply"], row["state"], row["num_tokens"]) for row in rows]


def counted(folder: Path, system: str, language: str) -> dict:
    """Return items, states and tokens as the manifest has them."""
    manifest = read_manifest(folder / "runs/x/generations" / system)
    assert manifest is not None
    counts = manifest.counts[f"sib200-{language}"]
    assert isinstance(counts, dict)
    return {name: counts[name] for name in ("items", "states", "prompt_tokens", "reply_tokens")}


def test_a_server_and_a_checkpoint_give_the_same_greedy_replies_states_and_counts(
    folder: Path, talkative: Path
) -> None:
    common = ["answers.max_new_tokens=12", "languages=[id,hi]"]
    with serve_model(talkative, name=MODEL) as server:
        assert run(folder, server, *common, "server.parallel=2") == 0
    here = [f"checkpoint={talkative}", "system=here", "answers.precision=fp32"]
    own = [word for word in words(folder, server) if not word.startswith("server")]
    assert evaluate.main([*own, *common, *here, "answers.threads=1"]) == 0
    for language in LANGUAGES:
        served = said(folder, "served", language)
        assert served == said(folder, "here", language)
        assert len({reply for _, reply, _, _ in served}) > NUM_ITEMS // 3
        assert counted(folder, "served", language) == counted(folder, "here", language)
    states = counted(folder, "here", "hi")["states"]
    assert sum(states.values()) == NUM_ITEMS
