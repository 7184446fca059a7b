import pytest
from datatrove.data import Document
from lokal.data.document import metadata_of, new_document
from lokal.data.pii.config import PiiAction
from lokal.data.region import load_region
from lokal.data.steps.pii import MaskPii

TEXT = "Telp 0812-3456-7890, surel a.b@gmail.com"


def document_of(text: str, *, lang: str = "id") -> Document:
    return new_document(id="1", text=text, lang=lang, source="s", licence="", url="")


def test_masks_and_counts_by_type() -> None:
    document = document_of(TEXT)
    assert MaskPii(load_region("id"), action=PiiAction.mask).judge(document) is None
    assert document.text == "Telp <PHONE>, surel <EMAIL>"
    assert metadata_of(document)["notes"] == {"pii: phone_id": 1, "pii: email": 1}
    assert metadata_of(document)["num_chars"] == len(document.text)


def test_drops_with_the_first_type_as_reason_and_all_as_detail() -> None:
    document = document_of(TEXT)
    verdict = MaskPii(load_region("id"), action=PiiAction.drop).judge(document)
    assert verdict == ("pii: phone_id", "email, phone_id")
    assert document.text == TEXT


def test_reports_without_a_change() -> None:
    document = document_of(TEXT)
    assert MaskPii(load_region("id"), action=PiiAction.report).judge(document) is None
    assert document.text == TEXT
    assert metadata_of(document)["notes"] == {"pii: phone_id": 1, "pii: email": 1}


@pytest.mark.parametrize("action", list(PiiAction))
def test_leaves_a_row_without_values_as_it_was(action: PiiAction) -> None:
    document = document_of("ज़मीन १९४७ में बँटी।", lang="hi")
    assert MaskPii(load_region("hi"), action=action).judge(document) is None
    assert document.text == "ज़मीन १९४७ में बँटी।"
    assert metadata_of(document)["notes"] == {}


def test_masks_every_message_of_a_conversation() -> None:
    document = document_of("", lang="tl")
    metadata_of(document)["messages"] = [
        {"role": "system", "content": "Sagutin si a.b@gmail.com"},
        {"role": "user", "content": "Text mo ako sa 0917 123 4567"},
        {"role": "assistant", "content": "Sige, tatawag ako sa 0917 123 4567."},
    ]
    MaskPii(load_region("tl"), action=PiiAction.mask).judge(document)
    messages = metadata_of(document)["messages"]
    assert messages is not None
    assert [turn["content"] for turn in messages] == [
        "Sagutin si <EMAIL>",
        "Text mo ako sa <PHONE>",
        "Sige, tatawag ako sa <PHONE>.",
    ]
    assert document.text == "Text mo ako sa <PHONE>\nSige, tatawag ako sa <PHONE>."
