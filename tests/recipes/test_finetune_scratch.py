"""``lokal finetune model=scratch``: a tiny Llama made and trained from nothing."""

import json
from pathlib import Path

import pytest
from lokal.recipes.finetune import finetune


def test_a_model_from_nothing_learns(
    tiny_llama_folder: Path, tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKAL_CACHE", str(tmp_path / "cache"))
    words = [
        "name=new", f"root={tmp_path}", "model=scratch", f"model.path={tiny_llama_folder}",
        "model.scratch.hidden_size=32", "model.scratch.num_layers=2", "method=full",
        f"corpus_folder={tiny_corpus}", "stage=cpt", "~sources.flores-dev", "+sources.text=1",
        "tokens.max_tokens=256", "training.rows_per_step=2", "training.precision=fp32",
        "training.lr=0.01", "training.epochs=20",
    ]  # fmt: skip
    assert finetune.main(words) == 0
    lines = (tmp_path / "new" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    # Even odds over 512 tokens are a loss of 6.2.
    assert losses[0] == pytest.approx(6.2, abs=0.3)
    assert losses[-1] < losses[0] - 1
    assert finetune.main(words) == 0
