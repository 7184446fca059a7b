from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.suite import Suite, load_suite, read_items, topic_messages

LANGUAGES = ["en", "hi", "id", "tl"]


@pytest.mark.parametrize(("split", "number"), [("train", 701), ("dev", 99), ("test", 163)])
def test_sib200_holds_the_same_items_in_every_language(split: str, number: int) -> None:
    suite = load_suite("sib200")
    answers = {
        language: {
            item.id: item.label for item in read_items(suite, split=split, language=language)
        }
        for language in LANGUAGES
    }
    assert len(answers["en"]) == number
    assert all(items == answers["en"] for items in answers.values())


def test_splits_share_no_item() -> None:
    suite = load_suite("sib200")
    ids = [
        {item.id for item in read_items(suite, split=split, language="tl")} for split in suite.items
    ]
    assert sum(map(len, ids)) == len(set.union(*ids))


def test_the_prompt_is_native_and_lists_all_labels_in_order() -> None:
    suite = load_suite("sib200")
    system, user = topic_messages(load_region("hi"), suite, "क्‍षमा करें, ज़िला बंद है।")
    assert system["role"] == "system"
    assert system["content"].startswith("पाठ का विषय बताएँ")
    assert ", ".join(suite.labels) in system["content"]
    assert user == {"role": "user", "content": "क्‍षमा करें, ज़िला बंद है।"}


def test_unknown_suite_split_and_language_are_named() -> None:
    suite = load_suite("sib200")
    with pytest.raises(UserError, match=r"unknown suite 'sib201': choose one of .*sib200"):
        load_suite("sib201")
    with pytest.raises(UserError, match="no split 'tset': choose one of train, dev, test"):
        read_items(suite, split="tset", language="id")
    with pytest.raises(UserError, match="suite sib200 has no test items in jv"):
        read_items(suite, split="test", language="jv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1", "text": "x"', r"items\.jsonl:2 is not an item"),
        ('{"id": "1", "text": "x"}', r"items\.jsonl:2 is not an item"),
        ('{"id": "1", "text": "x", "label": "c"}', r"items\.jsonl:2 has the label 'c'"),
    ],
)
def test_a_broken_item_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"id": "0", "text": "x", "label": "a"}\n' + line + "\n", encoding="utf-8")
    suite = Suite(
        name="own",
        format="label",
        task="topic",
        labels=["a", "b"],
        items={"test": str(file)},
        licence="",
        source="",
    )
    with pytest.raises(UserError, match=message):
        read_items(suite, split="test", language="id")


def test_a_suite_file_with_a_wrong_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "own.yaml").write_text("name: own\nlabel: [a, b]\n", encoding="utf-8")
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path))
    with pytest.raises(UserError, match=r"suite/own\.yaml: key '\w+' is missing or unknown"):
        load_suite("own")


def test_a_suite_that_nothing_asks_yet_loads_but_is_not_evaluated() -> None:
    suite = load_suite("ntrex128")
    assert (suite.format, suite.labels) == ("", [])
    with pytest.raises(UserError, match="ntrex128 only keeps its items out of training"):
        read_items(suite, split="test", language="id")


@pytest.mark.parametrize("protect", [[], [""], ["premise+"]])
def test_a_suite_must_say_which_fields_count(protect: list[str]) -> None:
    with pytest.raises(ValueError, match=r"suite\.protect of 'own' must name fields"):
        Suite(name="own", items={"test": "x.jsonl"}, licence="", source="", protect=protect)
