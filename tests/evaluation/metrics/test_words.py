"""Words and sentences are found in Latin and Devanagari, with dandas and titles."""

import json

import pytest
from lokal.data.sample_files import resolve_sample
from lokal.evaluation.items import read_lines
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
        ("Rumahnya di Jl. Tubun No. 3. Besar! No. Ya", 4),
        ("Harganya 3.500 rupiah. Murah sekali...", 2),
        ("Nandito si Dr. Cruz! “Kumain ka na ba?” tanong niya.", 3),
        ("1. Pergi ke pasar\n2. Beli sayur", 2),
        ("*** \n ।", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@pytest.mark.parametrize(
    ("file", "least"),
    # As measured: 0.927 and 0.991. Most other Indonesian lines do hold two sentences.
    [("ud_indonesian_gsd/id.jsonl.gz", 0.92), ("ud_tagalog_newscrawl/tl.jsonl.gz", 0.985)],
)
def test_the_sentences_of_treebanks_are_one_each_and_two_joined_are_two(
    file: str, least: float
) -> None:
    texts = [
        json.loads(line)["text"].strip() for _, line in read_lines(resolve_sample(f"sample:{file}"))
    ]
    texts = [text for text in texts if text.endswith((".", "!", "?"))]
    single = [text for text in texts if len(sentences(text)) == 1]
    assert len(single) / len(texts) >= least
    pairs = [f"{first} {second}" for first, second in zip(single[::2], single[1::2], strict=False)]
    assert sum(len(sentences(pair)) == 2 for pair in pairs) / len(pairs) >= 0.98
