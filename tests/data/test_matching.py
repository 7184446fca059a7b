import pytest
from lokal.data.matching import match_key


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
