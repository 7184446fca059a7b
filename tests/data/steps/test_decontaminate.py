from pathlib import Path

import pytest
from datatrove.data import Document
from lokal.data.cleaning.normalise import normalise_text
from lokal.data.decontamination.deny_list import build_deny_list
from lokal.data.decontamination.held_items import DecontaminateConfig, HeldItem, read_all_held_items
from lokal.data.document import metadata_of, new_document
from lokal.data.message import Message
from lokal.data.steps.decontaminate import Decontaminate
from lokal.data.suite import load_suite, read_items


@pytest.fixture(scope="module")
def sib200(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deny") / "list"
    build_deny_list(read_all_held_items(DecontaminateConfig()), folder)
    return folder


def document(text: str, *, id: str = "1") -> Document:
    return new_document(id=id, text=text, lang="id", source="s", licence="", url="")


@pytest.mark.parametrize("language", ["en", "id", "hi", "tl"])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_finds_every_item_in_every_language(sib200: Path, language: str, split: str) -> None:
    items = read_items(load_suite("sib200"), split=split, language=language)
    texts = [normalise_text(f"« {item.text.upper()} »") for item in items]
    rows = [document(text, id=f"x/{number}") for number, text in enumerate(texts)]
    for row, item in zip(Decontaminate([sib200]).stream(rows, rank=0), items, strict=True):
        metadata = metadata_of(row)
        assert metadata["step"] == "decontaminated"
        assert metadata["reason"] == f"sib200 {split}: exact"
        assert metadata["detail"] == item.id


@pytest.mark.parametrize("language", ["en", "id", "hi", "tl"])
def test_training_items_stay_but_for_one_that_shares_a_run(sib200: Path, language: str) -> None:
    items = read_items(load_suite("sib200"), split="train", language=language)
    texts = [normalise_text(item.text) for item in items]
    rows = Decontaminate([sib200]).stream([document(text) for text in texts], rank=0)
    reasons = [metadata_of(row)["reason"] for row in rows]
    met = [reason for reason in reasons if reason is not None]
    assert len(met) <= 1
    assert all(reason.endswith(("50 characters", "13 words")) for reason in met)


def test_knows_an_item_by_its_id_in_a_language_it_has_not(sib200: Path) -> None:
    item = read_items(load_suite("sib200"), split="test", language="id")[0]
    row = document("Teks terjemahan yang lain sama sekali.", id=item.id)
    (row,) = Decontaminate([sib200]).stream([row], rank=0)
    assert metadata_of(row)["reason"] == "sib200 test: id"


def test_a_plain_number_is_no_id_of_an_item(tmp_path: Path) -> None:
    build_deny_list([HeldItem("s", "test", "1", [["x " * 20]])], tmp_path / "a")
    (row,) = Decontaminate([tmp_path / "a"]).stream([document("Teks.", id="1")], rank=0)
    assert metadata_of(row)["reason"] is None


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_looks_into_every_turn_of_a_conversation(sib200: Path, role: str) -> None:
    item = read_items(load_suite("sib200"), split="dev", language="hi")[0]
    row = document("नमस्ते")
    metadata_of(row)["messages"] = [
        Message(role="user", content="नमस्ते"),
        Message(role=role, content=f"यह लें: {item.text}"),
    ]
    (row,) = Decontaminate([sib200]).stream([row], rank=0)
    assert metadata_of(row)["detail"] == item.id


def test_asks_all_lists_leaves_dropped_rows_and_keeps_the_order(
    sib200: Path, tmp_path: Path
) -> None:
    text = "Isang lihim na pangungusap ng ibang pagsusulit na hindi dapat makita sa pagsasanay."
    build_deny_list([HeldItem("own", "test", "own/1", [[text]])], tmp_path / "own")
    item = read_items(load_suite("sib200"), split="test", language="tl")[0]
    rows = [document(f"Hanay {number}.", id=str(number)) for number in range(5)]
    rows[1].text, rows[3].text, rows[4].text = text, item.text, item.text
    metadata_of(rows[4])["reason"] = "empty"
    done = list(Decontaminate([sib200, tmp_path / "own"]).stream(rows, rank=0))
    assert [row.id for row in done] == ["0", "1", "2", "3", "4"]
    assert [metadata_of(row)["reason"] for row in done] == [
        None,
        "own test: exact",
        None,
        "sib200 test: exact",
        "empty",
    ]
