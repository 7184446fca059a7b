"""The same weights here, behind a server and as a collected baseline: the same in everything."""

import json
from pathlib import Path

import pytest
from lokal.data.manifest import read_manifest
from lokal.recipes.collect_baseline import collect_baseline
from lokal.recipes.evaluate import evaluate
from lokal.recipes.tools.freeze import main as freeze

from ...servers.chat_server import MODEL, ChatServer
from ...servers.model_server import serve_model
from .served_run import NUM_ITEMS, run, words

LANGUAGES = ("id", "hi")
_OFTEN_SAID = 158
"""A token that the talkative model often says."""
LONGEST = "answers.max_new_tokens=16"


@pytest.fixture
def talkative(folder: Path, tiny_llama_folder: Path) -> Path:
    """Return the tiny Llama with larger weights: else it repeats the prompt's last token."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(tiny_llama_folder, dtype=torch.float32)
    with torch.no_grad():
        for weight in model.model.layers.parameters():
            weight.mul_(1 if weight.ndim == 1 else 12)
        words_E = model.model.embed_tokens.weight
        words_E[model.config.eos_token_id] = 1.05 * words_E[_OFTEN_SAID]  # else no reply ends
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


def collect_and_take(folder: Path, server: ChatServer) -> None:
    """Collect from the server as from a vendor, seal it, and take it into the run as a system."""
    own = [word for word in words(folder, server, LONGEST) if word.startswith("suite")]
    asked = ["languages=[id,hi]", LONGEST, *own]
    vendor = ["baseline=openai_compatible", f"baseline.base_url={server.url}"]
    model = [f"baseline.model={MODEL}", "baseline.temperature=0", "baseline.parallel=2"]
    root = [f"root={folder}/baselines", "day=2026-11-27"]
    assert collect_baseline.main([*vendor, *model, *root, *asked]) == 0
    (made,) = (folder / "baselines").iterdir()
    assert freeze([str(made)]) == 0
    take = ["system=collected", f"frozen={made}", "languages=[id,hi]", LONGEST, *own]
    assert evaluate.main([*take, f"root={folder}/runs", "name=x"]) == 0


def test_a_checkpoint_a_server_and_a_collected_baseline_of_the_same_weights_say_the_same(
    folder: Path, talkative: Path
) -> None:
    with serve_model(talkative, name=MODEL) as server:
        assert run(folder, server, LONGEST, "languages=[id,hi]", "server.parallel=2") == 0
        collect_and_take(folder, server)
    here = [f"checkpoint={talkative}", "system=here", "answers.precision=fp32"]
    own = [word for word in words(folder, server) if not word.startswith("server")]
    assert evaluate.main([*own, LONGEST, "languages=[id,hi]", *here, "answers.threads=1"]) == 0
    for language in LANGUAGES:
        expected = said(folder, "here", language)
        assert len({reply for _, reply, _, _ in expected}) > NUM_ITEMS // 4
        for system in ("served", "collected"):
            assert said(folder, system, language) == expected
            assert counted(folder, system, language) == counted(folder, "here", language)
    states = [counted(folder, "here", language)["states"] for language in LANGUAGES]
    assert {"ok", "truncated"} <= {state for found in states for state in found}
