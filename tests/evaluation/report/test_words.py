"""Differences by words and invisible characters, in three scripts."""

import pytest
import regex
from lokal.evaluation.report.items.chips import show
from lokal.evaluation.report.items.words import compare_words

PAIRS = [
    ("यह किताब अच्छी है।", "यह किताब बुरी है।", ["अच्छी"]),
    ("क्‍षमा ज़िला", "क्षमा ज़िला", ["क्‍षमा"]),
    ("Harga barangnya naik", "Harga barang naik", ["barangnya"]),
    ("Kumain na po ako", "Kumain na ako", ["po "]),
    ("same words", "same words", []),
]


@pytest.mark.parametrize(("text", "other", "new"), PAIRS)
def test_marks_the_words_that_the_other_text_has_not(text: str, other: str, new: list[str]) -> None:
    assert [piece.text for piece in compare_words(text, other) if piece.is_new] == new


@pytest.mark.parametrize(("text", "other", "_"), PAIRS)
def test_pieces_add_up_to_the_text_and_cut_no_cluster(text: str, other: str, _: object) -> None:
    pieces = compare_words(text, other)
    assert "".join(piece.text for piece in pieces) == text
    clusters = [cluster for piece in pieces for cluster in regex.findall(r"\X", piece.text)]
    assert clusters == regex.findall(r"\X", text)


def test_texts_without_a_common_word_are_not_marked_at_all() -> None:
    assert compare_words("sports", "यह किताब।") == [("sports", False)]
    assert compare_words("one. two.", "एक. दो.") == [("one. two.", False)]


@pytest.mark.parametrize(
    ("text", "chips"),
    [
        ("a\u200bb", ["ZWSP"]),
        ("\u202eevil\u202c", ["RLO", "PDF"]),
        ("nul\x00 and \ufeff", ["U+0000", "BOM"]),
        ("क्‍षमा न्‌", []),
        ("👩‍💻", []),
        ("a\u200db", ["ZWJ"]),
        ("\u200cक", ["ZWNJ"]),
        ("line\nand\ttab", []),
        ("tag\U000e0041", ["U+E0041"]),
    ],
)
def test_hidden_characters_become_chips_and_joiners_that_shape_stay(
    text: str, chips: list[str]
) -> None:
    shown = str(show(text))
    assert regex.findall(r'class="chip" title="[^"]+">([^<]+)<', shown) == chips
    if not chips:
        assert shown == text


def test_markup_is_escaped_beside_chips() -> None:
    assert str(show("<b>\u200b&</b>")).startswith("&lt;b&gt;<span class=")
