"""``lokal translations`` writes the lines that learned metrics read, one a segment."""

import json
from pathlib import Path

import pytest
from lokal.evaluation.reply import Reply, State, to_lines
from lokal.recipes.tools.translations import main

ITEMS = [
    {"id": "t/1", "text_en": "It rains.", "text_hi": "बारिश हो रही है।"},
    {"id": "t/2", "text_en": "The mice\nsleep.", "text_hi": "चूहे सो रहे हैं।"},
]


def replies_to(suite: str, ids: list[str], folder: Path) -> Path:
    texts = dict(zip(ids, ["वर्षा\nहै।", ""], strict=False))
    rows = [
        Reply(
            id=one,
            language="hi",
            suite=suite,
            split="test",
            system="x",
            prompt_sha256=None,
            reply=text,
            state=State.ok,
        )
        for one, text in texts.items()
    ]
    path = folder / f"{suite}-hi.jsonl"
    path.write_text(to_lines(rows), encoding="utf-8")
    (folder / "items/flores200").mkdir(parents=True)
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS)
    (folder / "items/flores200/devtest.jsonl").write_text(lines, encoding="utf-8")
    return path


def run(path: Path, folder: Path) -> int:
    return main([str(path), str(folder / "out"), "--items-root", str(folder / "items")])


def test_each_segment_is_one_line_in_every_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(replies_to("flores200_from_en", ["t/1", "t/2"], tmp_path), tmp_path) == 0
    out = tmp_path / "out"
    assert (out / "sources.txt").read_text("utf-8") == "It rains.\nThe mice sleep.\n"
    assert (out / "replies.txt").read_text("utf-8") == "वर्षा है।\n\n"
    assert (out / "references.txt").read_text("utf-8") == "बारिश हो रही है।\nचूहे सो रहे हैं।\n"
    first = json.loads((out / "metricx.jsonl").read_text("utf-8").splitlines()[0])
    assert first == {
        "source": "It rains.",
        "hypothesis": "वर्षा है।",
        "reference": "बारिश हो रही है।",
    }
    assert "2 segments" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("suite", "ids", "message"),
    [
        ("sib200", ["t/1"], "replies to suite sib200, which is no translation"),
        ("flores200_from_en", ["t/9"], "replies to other items than those of suite"),
        ("flores200_from_en", [], "holds no replies: run evaluate for it again"),
    ],
)
def test_what_is_no_translation_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suite: str, ids: list[str], message: str
) -> None:
    assert run(replies_to(suite, ids, tmp_path), tmp_path) == 2
    assert message in capsys.readouterr().err
