import unicodedata

import pytest
from lokal.data.document import metadata_of, new_document
from lokal.data.steps.normalise import Normalise, normalise_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("क्‍षमा दर्शनार्‍थी", "क्‍षमा दर्शनार्‍थी"),  # ZWJ shapes the letter: it stays
        ("श्री‌मान", "श्री‌मान"),  # ZWNJ too
        ("क्‍‍ष", "क्‍ष"),  # but not twice
        ("\u095b\u093c", "\u091c\u093c\u093c"),  # a one-character nukta letter becomes two
        ("ज़िला", "\u091c\u093c\u093f\u0932\u093e"),
        ("👩‍💻", "👩‍💻"),  # joined emoji stay one
        ("bu\u200dku \u200clagi", "buku lagi"),  # in Latin a joiner only hides duplicates
    ],
)
def test_joiners_and_nukta(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  satu\t\tdua \u00a0 tiga  \r\nempat\r", "satu dua tiga\nempat"),
        ("baris\n\n\n\n\nbaris", "baris\n\nbaris"),
        ("- a\n    - b  c", "- a\n    - b c"),  # indentation stays
        ("kata\u00adan\u200b \ufeffanda\u202e", "katan anda".replace("katan", "kataan")),
        ("nga\u0303", "ngã"),  # NFC
        ("n\u0303ga g\u0303", "ñga g̃"),
        ("\ud800kata", "kata"),  # half a surrogate pair cannot be written as UTF-8
    ],
)
def test_spaces_and_invisible_characters(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize("text", ["ज़ि\u200dला  \u095e  ", "a\u0301\n\n\n b\u200d", "क् \u200d ष"])
def test_is_in_nfc_and_changes_nothing_the_second_time(text: str) -> None:
    once = normalise_text(text)
    assert unicodedata.is_normalized("NFC", once)
    assert normalise_text(once) == once


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
