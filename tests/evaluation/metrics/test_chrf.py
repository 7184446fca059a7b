"""chrF++ is sacrebleu's own to the last digit, and writes a danda one way on both sides."""

import pytest
from lokal.evaluation.metrics.chrf import ChrF, plain_text
from sacrebleu.metrics.chrf import CHRF

REPLIES = ["Kucing itu tidur di kursi.", "बिल्ली कुर्सी पर सोती है।", "", "Natutulog ang pusa sa upuan"]
REFERENCES = [
    "Kucing itu tertidur di atas kursi.",
    "बिल्ली कुर्सी पर सो रही है।",
    "Terima kasih banyak!",
    "Natutulog sa upuan ang pusa.",
]


def summed(chrf: ChrF, replies: list[str]) -> list[float]:
    each = [chrf.statistics(a, [b]) for a, b in zip(replies, REFERENCES, strict=True)]
    return [sum(column) for column in zip(*each, strict=True)]


def test_summed_statistics_give_the_corpus_score_of_sacrebleu() -> None:
    wanted = CHRF(word_order=2).corpus_score(REPLIES, [REFERENCES]).score / 100
    chrf = ChrF()
    assert chrf.score(summed(chrf, REPLIES)) == pytest.approx(wanted, abs=1e-9)
    assert 0.3 < wanted < 0.9


def test_a_segment_scores_as_sacrebleu_scores_a_sentence_with_two_references() -> None:
    references = ["Kucing itu tertidur.", "Si kucing tidur di kursi."]
    wanted = CHRF(word_order=2).sentence_score(REPLIES[0], references).score / 100
    assert ChrF().segment(REPLIES[0], references) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("reply", ["वह घर में है ।", "वह घर में है|", " वह घर में है | ", "वह घर में है।\n"])
def test_the_way_a_danda_is_typed_costs_nothing(reply: str) -> None:
    reference = "वह घर में है।"
    assert ChrF().segment(reply, [reference]) == pytest.approx(1, abs=1e-12)
    assert ChrF().segment(reference, [reply]) == pytest.approx(1, abs=1e-12)


def test_a_nukta_typed_as_one_or_two_characters_is_the_same_letter() -> None:
    assert ChrF().segment("\u0958लम", ["\u0915\u093cलम"]) == pytest.approx(1, abs=1e-12)


def test_pipes_of_other_text_and_the_digits_of_a_script_stay() -> None:
    assert plain_text("a | b|c") == "a | b|c"
    assert plain_text("१२ रुपये ।") == "१२ रुपये।"
    assert plain_text("राम||") == "राम॥"


def test_an_empty_reply_counts_the_reference_and_scores_zero() -> None:
    statistics = ChrF().statistics("", ["Selamat pagi"])
    assert ChrF().score(statistics) == 0
    assert sum(statistics[1::3]) > 0


def test_the_signature_names_version_words_and_normalisation() -> None:
    signature = ChrF().signature
    assert signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.")
    assert signature.endswith("|norm:nfc+danda")


def test_statistics_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 24 counts, got 2"):
        ChrF().score([1.0, 2.0])
