"""Items are read whole or refused in one line; a limit picks the same ones in every language."""

import gzip
import json
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.suite import Suite, load_suite
from lokal.evaluation.generations import plan_parts
from lokal.evaluation.items import read_items
from lokal.evaluation.sizes import describe_sizes
from lokal.evaluation.system import Kind, System

RECORDED = System(name="x", kind=Kind.checkpoint, label="x", key="k", licence="")


def write(root: Path, language: str, rows: list[dict], *, name: str = "own") -> None:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    with gzip.open(folder / f"{language}.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write("".join(lines))


def own(**changes: object) -> Suite:
    values: dict = {
        "name": "own",
        "format": "label",
        "task": "sentiment",
        "labels": ["positive", "negative"],
        "items": {"test": "items:own/{region}.jsonl"},
        "licence": "CC0",
        "source": "here",
    }
    return Suite(**(values | changes))  # pyright: ignore[reportArgumentType]


def rows(number: int) -> list[dict]:
    return [{"id": f"own/{k}", "text": f"ज़िला {k}", "label": "positive"} for k in range(number)]


@pytest.mark.parametrize("depth", ["", "eval/"])
def test_items_lie_in_the_users_folder_or_one_below(tmp_path: Path, depth: str) -> None:
    write(tmp_path / depth, "hi", rows(3))
    items = read_items(own(), split="test", language="hi", items_root=tmp_path)
    assert [item.id for item in items] == ["own/0", "own/1", "own/2"]
    assert items[0].expect.script == "Deva"


def test_a_limit_picks_the_same_items_in_every_language_in_the_files_order(tmp_path: Path) -> None:
    write(tmp_path, "hi", rows(50))
    write(tmp_path, "id", rows(50)[::-1])
    hindi, indonesian = (
        [
            item.id
            for item in read_items(own(), split="test", language=code, items_root=tmp_path, limit=9)
        ]
        for code in ("hi", "id")
    )
    assert len(hindi) == 9
    assert hindi == sorted(hindi, key=lambda name: int(name.split("/")[1]))
    assert indonesian == hindi[::-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"id": "a", "text": "x"}\n', r"hi\.jsonl:1 is no item of suite own: label must hold"),
        (b'{"id": "a", "text": "x", "label": "neutral"}\n', "label is 'neutral', which is not one"),
        (b"[1]\n", r"hi\.jsonl:1 is no item of suite own: it is no JSON object"),
        (b'\n{"id": "a", \n', r"hi\.jsonl:2 is no item of suite own"),
        (b"", "holds no items: get them again from here"),
        (b'{"id": "a", "text": "caf\xe9", "label": "positive"}\n', r"hi\.jsonl:1 is not UTF-8"),
        (b'{"id": "a", "text": "x", "label": "positive"}\n' * 2, "the id a of an earlier line"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_line(
    tmp_path: Path, text: bytes, message: str
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/hi.jsonl").write_bytes(text)
    with pytest.raises(UserError, match=message):
        read_items(own(), split="test", language="hi", items_root=tmp_path)


def test_a_choice_leaves_out_what_a_language_does_not_have_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs/suite").mkdir(parents=True)
    (tmp_path / "configs/suite/own.yaml").write_text(
        "name: own\nformat: label\ntask: sentiment\nlabels: [positive, negative]\n"
        "items: {test: 'items:own/{region}.jsonl'}\nlicence: CC0\nsource: here\n"
    )
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path / "configs"))
    write(tmp_path, "hi", rows(5))
    both = Suite(name="both", members={"sib200": 20, "own": 2})
    plan = plan_parts(RECORDED, both, split="test", languages=["hi", "id"], items_root=tmp_path)
    names = [(part.name, len(part.items)) for part in plan.parts]
    assert names == [("sib200@20-hi", 20), ("sib200@20-id", 20), ("own@2-hi", 2)]
    assert plan.skipped == [("own", "id")]
    (tmp_path / "own/hi.jsonl.gz").unlink()
    with pytest.raises(UserError, match="or skip_missing=true to go on without"):
        plan_parts(RECORDED, both, split="test", languages=["hi"], items_root=tmp_path)
    plan = plan_parts(
        RECORDED, both, split="test", languages=["hi"], items_root=None, skip_missing=True
    )
    assert plan.skipped == [("own", "hi")]


def test_a_choice_says_what_its_items_can_show() -> None:
    quick = load_suite("quick")
    plan = plan_parts(RECORDED, quick, split="test", languages=["id", "en"])
    indonesian, english = describe_sizes(plan.parts)
    # 2.8 standard errors of 0.49 / sqrt(n): 100 items show 14 points, 10 show 43.
    assert indonesian == (
        "id: 5 benchmarks, 210 items; one benchmark shows differences from 14 (most items) or "
        "43 points (fewest) on"
    )
    assert english.startswith("en: 2 benchmarks, 130 items")


def test_a_choice_for_one_language_asks_nothing_in_the_others(tmp_path: Path) -> None:
    english = Suite(name="x", members={"sib200": 5}, languages=["en"])
    plan = plan_parts(RECORDED, english, split="test", languages=["id", "en"])
    assert [part.name for part in plan.parts] == ["sib200@5-en"]


def test_every_shipped_suite_with_a_format_names_an_adapter() -> None:
    from lokal.data.config_files import config_names
    from lokal.evaluation.formats.format import load_format

    for name in config_names("suite"):
        suite = load_suite(name)
        if suite.format:
            load_format(suite)
