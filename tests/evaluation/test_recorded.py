"""A recording is matched by id, and refused where it belongs to other items."""

import json
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.suite import load_suite
from lokal.evaluation.generations import Part
from lokal.evaluation.recorded import read_recording
from lokal.evaluation.reply import Reply, State
from lokal.evaluation.settings import BaselineConfig

from .labelled import labelled_item

ITEMS = [
    labelled_item("a", "hi", "ज़िला अस्पताल", "health"),
    labelled_item("b", "hi", "क्‍षमा करें", "travel"),
    labelled_item("c", "hi", "खेल", "sports"),
]
PART = Part("sib200-hi", load_suite("sib200"), "test", "hi", ITEMS, Path("hi.jsonl"), "key")


def row(item_id: str, **changes: str) -> dict[str, str]:
    gold = {item.id: item.gold[0] for item in ITEMS}[item_id]
    return {"id": item_id, "model": "gpt-4", "gold": gold, "response": gold} | changes


def read(folder: Path, lines: list[str]) -> list[Reply]:
    (folder / "hi.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    baseline = BaselineConfig(
        label="gpt-4",
        suite="sib200",
        path=f"{folder}/{{region}}.jsonl",
        model="gpt-4",
        model_date="2023",
        shots=0,
        prompt_language="en",
        licence="",
        source="",
    )
    return read_recording(baseline, PART, system="gpt-4")


def test_every_item_ends_in_a_named_state(tmp_path: Path) -> None:
    rows = [row("b", response=" \n"), row("a", model="gpt-3"), row("a", response="x\u2028y")]
    replies = read(tmp_path, [json.dumps(one, ensure_ascii=False) for one in rows])
    assert [reply.id for reply in replies] == ["a", "b", "c"]
    assert [reply.state for reply in replies] == [State.ok, State.empty, State.error]
    assert replies[0].reply == "x\u2028y"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([json.dumps(row("a")), '{"id": "a", '], r"hi.jsonl:2 has no id, model, gold and response"),
        ([json.dumps(row("a", gold="sports"))], "these are other items"),
        ([json.dumps(row("a"))] * 2, "a second reply of gpt-4 to a"),
        ([json.dumps(row("a", model="claude"))], "holds no gpt-4 reply to these items"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, lines)


def test_a_language_that_was_not_recorded_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was not recorded in 'hi'"):
        read_missing(tmp_path)


def read_missing(folder: Path) -> None:
    read(folder, [json.dumps(row("a"))])
    (folder / "hi.jsonl").rename(folder / "id.jsonl")
    baseline = BaselineConfig(
        label="gpt-4",
        suite="sib200",
        path=f"{folder}/{{region}}.jsonl",
        model="gpt-4",
        model_date="2023",
        shots=0,
        prompt_language="en",
        licence="",
        source="",
    )
    read_recording(baseline, PART, system="gpt-4")
