"""Real items for a served model, and retries that wait next to nothing."""

import json
from pathlib import Path

import pytest
from lokal.data.suite import load_suite, read_items

from .served_run import NUM_ITEMS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a run root beside two dozen real items a language."""
    suite = load_suite("sib200")
    for language in ("id", "hi"):
        items = read_items(suite, split="dev", language=language)[:NUM_ITEMS]
        rows = [{"id": item.id, "text": item.text, "label": item.label} for item in items]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{language}.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lokal.evaluation.retry._FIRST_SECONDS", 0.001)
    monkeypatch.setattr("lokal.evaluation.retry._LONGEST_SECONDS", 0.001)
