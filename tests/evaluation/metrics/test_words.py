"""Words and sentences are found in Latin and Devanagari, with dandas and titles."""

import pytest
from lokal.evaluation.metrics.words import sentences, words


def test_vowel_signs_nukta_and_joiners_stay_in_their_word() -> None:
    assert words("क्‍षमा करें, ज़रा!") == ["क्‍षमा", "करें", "ज़रा"]
    assert words("anak-anak ‌ di Rp5.000") == ["anak", "anak", "di", "Rp5", "000"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("राम घर गया। सीता आई।फिर वे चले ॥", 3),
        ("डॉ. शर्मा आए। क्या वे रुके? नहीं!", 3),
        ("Bapak R. A. Kartono tiba di Jl. Merdeka. Lalu ia pulang", 2),
        ("Harganya 3.500 rupiah. Murah sekali...", 2),
        ("Nandito si Dr. Cruz! “Kumain ka na ba?” tanong niya.", 3),
        ("1. Pergi ke pasar\n2. Beli sayur", 2),
        ("*** \n ।", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count
