"""Answers are compared by their words in any script; only English has articles to leave out."""

import pytest
from lokal.evaluation.metrics.overlap import contained_answer, exact_match, rouge_l, token_f1


@pytest.mark.parametrize(
    ("language", "reply", "answer"),
    [
        ("id", "christian hadinata.", "Christian Hadinata"),
        ("id", "Candra/Sigit", "Candra / Sigit"),
        ("hi", "क्‍षमा शर्मा।", "क्षमा शर्मा"),
        ("tl", "Si José Rizal", "si Jose\u0301 Rizal"),
        ("en", "The Ganges", "ganges"),
    ],
)
def test_case_punctuation_joiners_and_composition_do_not_matter(
    language: str, reply: str, answer: str
) -> None:
    assert exact_match(reply, [answer], language=language)


def test_an_english_article_is_a_word_in_tagalog() -> None:
    assert not exact_match("a Ganges", ["Ganges"], language="tl")


def test_a_vowel_sign_makes_another_word() -> None:
    assert not exact_match("दिन", ["दीन"], language="hi")


def test_f1_is_the_best_over_the_answers() -> None:
    # Two words of three and two of two: 2 * 2 / 5.
    answers = ["Manila", "lungsod Quezon"]
    assert token_f1("sa lungsod Quezon", answers, language="tl") == pytest.approx(0.8, abs=1e-12)
    assert token_f1("", answers, language="tl") == 0


def test_f1_counts_a_repeated_word_once() -> None:
    assert token_f1("पानी पानी", ["पानी"], language="hi") == pytest.approx(2 / 3, abs=1e-12)


def test_rouge_l_keeps_the_order_of_words_in_devanagari() -> None:
    # Longest common subsequence: 3 of 4 and of 4 words.
    reference = ["राम ने फल खाया।"]
    assert rouge_l("फल राम ने खाया", reference, language="hi") == pytest.approx(0.75, abs=1e-12)
    assert rouge_l("राम ने फल खाया", reference, language="hi") == 1
    assert rouge_l("", reference, language="hi") == 0


def test_a_short_answer_must_stand_in_the_reply_as_whole_words() -> None:
    answers = ["choki-choki", "coklat"]
    assert contained_answer("Biasanya Choki Choki.", answers, language="id") == "choki-choki"
    assert contained_answer("Roti cokelat", answers, language="id") is None
    assert contained_answer("coklatan", answers, language="id") is None
    assert contained_answer("choki saja", answers, language="id") is None
