"""The page of a run: what is in it, and that text of models stays text."""

import json
import re
from pathlib import Path

from lokal.training.curves import Curve, curves
from lokal.training.report import run_page


def write_run(folder: Path, *, steps: int) -> None:
    lines = [
        {
            "step": step, "epoch": step / 10, "loss": 3 - step / 100, "grad_norm": 1.0, "lr": 1e-4,
            "tokens": 100, "trained_tokens": 10, "tokens_per_second": 500.0, "mfu": 0.31,
            "memory_mb": 900, "loss_by_language": {"hi" if step % 2 else "id": 3.0},
            "loss_by_source": {}, "skipped_steps": 0, "time": "",
        }
        for step in range(1, steps + 1)
    ]  # fmt: skip
    lines[4] = {"step": 5, "epoch": 0.5, "skipped": "the loss is not finite", "skipped_steps": 1}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    heldout = [
        {"step": step, "bits_per_byte": {"hi": 1.5 - step / 100, "en": 1.0}, "loss": {}, "time": ""}
        for step in (0, 10, 20)
    ]
    (folder / "heldout.jsonl").write_text("".join(json.dumps(line) + "\n" for line in heldout))
    sample = {"step": 10, "language": "hi", "prompt": "क्‍षमा", "text": "<script>alert(1)</script>"}
    (folder / "samples.jsonl").write_text(json.dumps(sample) + "\n")


def test_the_page_shows_the_run_and_needs_neither_script_nor_network(tmp_path: Path):
    write_run(tmp_path, steps=20)
    page = run_page(tmp_path, name="first")
    assert "3.000" not in page
    assert "2.990 → 2.800" in page
    assert "31%" in page
    assert "the loss is not finite" in page
    assert (
        "<td>hi</td><td>1.5000</td><td>1.3000</td><td>20</td><td>1.3000</td><td>-13.3 %</td>"
        in page
    )
    for title in ("Loss by language", "Held-out bits per byte", "Learning rate", "Memory"):
        assert f'aria-label="{title}"' in page
    assert not re.search(r"<script|<link|<img|https?:|@import|url\(", page)


def test_a_models_text_is_escaped(tmp_path: Path):
    write_run(tmp_path, steps=20)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in run_page(tmp_path, name="<b>")


def test_a_long_run_is_drawn_with_some_hundred_points(tmp_path: Path):
    steps = list(range(1, 100_001))
    picture = curves([Curve("", steps, [1 / step for step in steps])], title="Loss")
    assert len(re.findall(r"\d,\d", str(picture))) <= 401
    assert len(picture) < 10_000


def test_flat_and_single_values_are_drawn():
    for values in ([0.0], [2.0, 2.0], [-1e-9, 1e-9]):
        picture = curves([Curve("a", range(len(values)), values)], title="x")
        assert "nan" not in picture
        assert "<polyline" in picture
    assert curves([Curve("a", [], [])], title="x") == ""
