"""A recording is matched by id, and refused where it belongs to other items."""

import gzip
import json
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.formats.translation import FORMAT
from lokal.evaluation.generations import Part
from lokal.evaluation.recorded import read_recording, recording_path
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


def recording_of(path: str, suite: str = "sib200") -> BaselineConfig:
    return BaselineConfig(
        label="gpt-4",
        suite=suite,
        path=path,
        model="gpt-4",
        model_date="2023",
        shots=0,
        prompt_language="en",
        licence="",
        source="example.org",
    )


def read(folder: Path, lines: list[str]) -> list[Reply]:
    (folder / "hi.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    baseline = recording_of(f"{folder}/{{region}}.jsonl")
    path = recording_path(baseline, "hi")
    return read_recording(baseline, PART, path=path, system="gpt-4")


def test_every_item_ends_in_a_named_state(tmp_path: Path) -> None:
    rows = [row("b", response=" \n"), row("a", model="gpt-3"), row("a", response="x\u2028y")]
    replies = read(tmp_path, [json.dumps(one, ensure_ascii=False) for one in rows])
    assert [reply.id for reply in replies] == ["a", "b", "c"]
    assert [reply.state for reply in replies] == [State.ok, State.empty, State.error]
    assert replies[0].reply == "x\u2028y"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([json.dumps(row("a")), '{"id": "a", '], r"hi.jsonl:2 has no id, model and response"),
        ([json.dumps(row("a", gold="sports"))], "answer 'sports', .* these are other items"),
        ([json.dumps(row("a"))] * 2, "a second reply of gpt-4 to a"),
        ([json.dumps(row("a", model="claude"))], "holds no gpt-4 reply to these items"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, lines)


def test_a_language_that_was_not_recorded_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was not recorded in 'hi'"):
        recording_path(recording_of(f"{tmp_path}/{{region}}.jsonl"), "hi")


TRANSLATED = {"id": "t/1", "text_en": "It rains.", "text_hi": "बारिश हो रही है।"}


def read_translation(root: Path, **changes: str) -> list[Reply]:
    """Read one recorded translation from the user's folder, packed, without a gold answer."""
    recorded = {"id": "t/1", "model": "gpt-4", "direction": "en-hi", "response": "वर्षा।"} | changes
    (root / "mt").mkdir()
    with gzip.open(root / "mt/en-hi.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(json.dumps(recorded, ensure_ascii=False) + "\n")
    suite = load_suite("flores200_from_en")
    item = FORMAT.ask(TRANSLATED, suite=suite, region=load_region("hi"))
    part = Part("flores-hi", suite, "test", "hi", [item], Path("items.jsonl"), "key")
    baseline = recording_of("items:mt/en-{region}.jsonl", "flores200_from_en")
    path = recording_path(baseline, "hi", items_root=root)
    return read_recording(baseline, part, path=path, system="gpt-4")


def test_a_translation_needs_no_gold_and_may_lie_packed_in_the_users_folder(tmp_path: Path) -> None:
    assert [reply.reply for reply in read_translation(tmp_path)] == ["वर्षा।"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "धूप है।"}, r"jsonl.gz:1 was recorded for the answer 'धूप है।', the item's"),
        ({"direction": "hi-en"}, "recorded for the direction hi-en, the suite asks en-hi"),
    ],
)
def test_a_translation_of_another_text_or_direction_is_refused(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_translation(tmp_path, **changes)


def test_a_recording_in_the_users_folder_says_where_to_get_it() -> None:
    with pytest.raises(UserError, match=r"gpt-4 is not shipped: set items_root .* example\.org"):
        recording_path(recording_of("items:mt/en-{region}.jsonl"), "hi")
