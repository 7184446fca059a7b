import pytest
from lokal.data.document import metadata_of, new_document
from lokal.data.steps.normalise import Normalise


def test_rebuilds_the_text_of_a_conversation() -> None:
    document = new_document(id="1", text="", lang="hi", source="chat", licence="", url="")
    metadata_of(document)["messages"] = [
        {"role": "system", "content": "मदद\u00a0करो"},
        {"role": "user", "content": " ज़िला  कहाँ है? "},
        {"role": "assistant", "content": "यहाँ।"},
    ]
    assert Normalise().judge(document) is None
    assert document.text == "ज़िला कहाँ है?\nयहाँ।"
    messages = metadata_of(document)["messages"]
    assert messages is not None
    assert [turn["content"] for turn in messages] == ["मदद करो", "ज़िला कहाँ है?", "यहाँ।"]


@pytest.mark.parametrize("text", ["", " \n\u200b\t", "\ufeff"])
def test_drops_a_row_without_text(text: str) -> None:
    document = new_document(id="1", text=text, lang="id", source="s", licence="", url="")
    verdict = Normalise().judge(document)
    assert verdict is not None
    assert verdict.reason == "empty"


def test_notes_what_it_changed() -> None:
    text = "Siya\u200b ang nag-aral. Don\u00e2\u20ac\u2122t"
    document = new_document(id="1", text=text, lang="tl", source="s", licence="", url="")
    assert Normalise().judge(document) is None
    assert document.text == "Siya ang nag-aral. Don’t"
    assert metadata_of(document)["notes"] == {
        "normalise: zero-width removed": 1,
        "normalise: mojibake repaired": 1,
    }
