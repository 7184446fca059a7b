import pytest
from lokal.data.matching import match_key
from lokal.data.overlap import HeldItem, OverlapIndex


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Turki, dikelilingi oleh laut.", "turki dikelilingi  OLEH laut"),
        ("क्‍षमा करें।", "क्षमा करें"),  # with and without a joiner
        ("ज़िला अस्पताल", "ज़िला\nअस्पताल!"),
        ("Ang ñgalan—niya", "ang ÑGALAN niya"),
    ],
)
def test_case_punctuation_spacing_and_joiners_are_set_aside(text: str, other: str) -> None:
    assert match_key(text) == match_key(other)


@pytest.mark.parametrize(
    ("text", "other"),
    [("कल", "काल"), ("ज़रा", "जरा"), ("bahâ", "baha"), ("bab 12", "bab 13"), ("laut an", "lautan")],
)
def test_vowel_signs_nukta_diacritics_digits_and_word_ends_count(text: str, other: str) -> None:
    assert match_key(text) != match_key(other)


@pytest.mark.parametrize(
    "text",
    [
        "क्‍षमा करें। ज़िला, ÑGALAN—niya “di” \u00ad १२ 😀 ",
        "ab\ud800 — cd ",
        "नमस्ते \U000e0041\U00020000 x",
    ],
)
def test_long_texts_have_the_key_of_their_pieces(text: str) -> None:
    piece = f"{text} satu dua "
    assert match_key(piece * 200) == " ".join([match_key(piece)] * 200)


ITEM = (
    "Turki dikelilingi oleh laut di tiga sisi: Laut Aegea di barat, "
    "Laut Hitam di utara dan Laut Mediterania di selatan."
)
HINDI = "तुर्की तीन ओर से समुद्र से घिरा हुआ है: पश्चिम में एजियन सागर से, उत्तर में काला सागर से है।"


@pytest.fixture
def index() -> OverlapIndex:
    texts = {"1": ITEM, "2": HINDI, "3": "Kilos-protesta sa Paris, Sofia at Vilnius."}
    return OverlapIndex(HeldItem("sib200", "test", key, text) for key, text in texts.items())


@pytest.mark.parametrize(
    ("text", "kind", "item"),
    [
        (ITEM.upper(), "exact", "1"),
        (f"Menurut buku: {ITEM} Begitulah.", "50 characters", "1"),
        (
            "Katanya laut di tiga sisi -- laut aegea di barat -- laut hitam di, tamat",
            "50 characters",
            "1",
        ),
        (f"वे कहते हैं कि {HINDI}", "50 characters", "2"),
        ("Balita: kilos protesta sa paris sofia at vilnius daw.", "whole item", "3"),
    ],
)
def test_finds_items_inside_texts(index: OverlapIndex, text: str, kind: str, item: str) -> None:
    overlap = index.find(text)
    assert overlap is not None
    assert (overlap.kind, overlap.item.id) == (kind, item)


def test_finds_thirteen_short_words() -> None:
    words = "a b c d e f g h i j k l m n"
    index = OverlapIndex([HeldItem("s", "dev", "x", words)])
    overlap = index.find(f"z {words[2:]} z")
    assert overlap is not None
    assert overlap.kind == "13 words"
    assert index.find(f"z {words[4:]} z") is None


@pytest.mark.parametrize(
    "text", ["Laut Hitam di utara dan gunung di selatan.", "सागर से", "Paris, Sofia at Vilnius.", ""]
)
def test_a_short_common_run_is_no_overlap(index: OverlapIndex, text: str) -> None:
    assert index.find(text) is None
