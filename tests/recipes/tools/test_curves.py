"""Several runs over each other."""

import json
from pathlib import Path

import pytest
from lokal.recipes.tools.curves import main


def made_run(root: Path, name: str, loss: float) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    steps = [
        {
            "step": k,
            "loss": loss / k,
            "lr": 1e-3,
            "grad_norm": 1.0,
            "tokens_per_second": 100.0,
            "memory_mb": 500,
            "loss_by_language": {},
        }
        for k in range(1, 5)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    looks = [{"step": 4, "bits_per_byte": {"hi": loss, "en": 1.0}}]
    (folder / "heldout.jsonl").write_text("".join(json.dumps(look) + "\n" for look in looks))


def test_every_run_has_its_line_in_every_picture(tmp_path: Path) -> None:
    made_run(tmp_path, "cpt/hi", 3.0)
    made_run(tmp_path, "sft/<b>hi", 2.0)
    page = tmp_path / "page.html"
    assert main(["cpt/hi", "sft/<b>hi", "--root", str(tmp_path), "-o", str(page)]) == 0
    text = page.read_text("utf-8")
    for title in ("Loss", "Learning rate", "Memory", "Held-out bits per byte, hi"):
        picture = text[text.index(f">{title}<") :].partition("</svg>")[0]
        assert "cpt/hi" in picture
        assert "sft/&lt;b&gt;hi" in picture
    assert "<b>hi" not in text


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["one"], "name two runs or more"),
        (["one", "nobody"], "nobody does not exist: name a run"),
        (["one", "empty"], "has trained no step"),
    ],
)
def test_a_wrong_run_is_named(
    tmp_path: Path, names: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(tmp_path, "one", 1.0)
    (tmp_path / "empty").mkdir()
    assert main([*names, "--root", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
