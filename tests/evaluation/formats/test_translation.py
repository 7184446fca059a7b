"""Translations are asked in the suite's direction, and a corpus is scored from its sums."""

import pytest
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.formats.format import load_format
from lokal.evaluation.formats.translation import FORMAT
from lokal.evaluation.item import Item
from sacrebleu.metrics.chrf import CHRF

ROWS = [
    {"id": "t/1", "doc": "d1", "text_en": "The mice sleep.", "text_hi": "चूहे सो रहे हैं।"},
    {"id": "t/2", "doc": "d1", "text_en": "It is raining.", "text_hi": "बारिश हो रही है।"},
]


def items(name: str, code: str = "hi") -> list[Item]:
    suite = load_suite(name)
    return [FORMAT.ask(row, suite=suite, region=load_region(code)) for row in ROWS]


def test_from_english_asks_in_hindi_for_hindi() -> None:
    item = items("ntrex128_from_en")[0]
    assert "अंग्रेज़ी से हिन्दी में" in item.messages[0]["content"]
    assert item.messages[1]["content"] == "The mice sleep."
    assert item.gold == ("चूहे सो रहे हैं।",)
    assert (item.language, item.expect.language, item.expect.script) == ("hi", "hi", "Deva")
    assert item.cluster == "d1"


def test_to_english_asks_in_hindi_for_english() -> None:
    item = items("ntrex128_to_en")[0]
    assert "हिन्दी से अंग्रेज़ी में" in item.messages[0]["content"]
    assert item.messages[1]["content"] == "चूहे सो रहे हैं।"
    assert item.gold == ("The mice sleep.",)
    assert (item.language, item.expect.language, item.expect.script) == ("hi", "en", "Latn")


def test_hinglish_is_latin_and_may_mix() -> None:
    suite = load_suite("hinglish_top")
    row = {"id": "t/3", "text_en": "Pause my timer", "text_cs": "mera timer roko"}
    item = FORMAT.ask(row, suite=suite, region=load_region("hi"))
    assert item.gold == ("mera timer roko",)
    assert (item.expect.script, item.expect.code_mix) == ("Latn", True)


def test_the_corpus_score_comes_from_summed_counts_and_is_no_mean() -> None:
    asked = items("flores200_from_en")
    replies = ["चूहे सो रहे हैं ।", ""]
    counts = [FORMAT.corpus.statistics(a, b) for a, b in zip(asked, replies, strict=True)]
    total = [sum(column) for column in zip(*counts, strict=True)]
    wanted = CHRF(word_order=2).corpus_score(
        ["चूहे सो रहे हैं।", ""], [[item.gold[0] for item in asked]]
    )
    assert FORMAT.corpus.score(total) == pytest.approx(wanted.score / 100, abs=1e-9)
    marks = [FORMAT.score(a, b) for a, b in zip(asked, replies, strict=True)]
    assert marks == [(pytest.approx(1.0), "चूहे सो रहे हैं ।"), (0.0, None)]
    assert "norm:nfc+danda" in FORMAT.corpus.signature


def test_a_row_without_the_language_is_refused() -> None:
    with pytest.raises(ValueError, match="text_tl must hold text, got None"):
        items("flores200_from_en", "tl")


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("flores200_to_en", "translation"),
        ("xlsum", "summary"),
        ("tydiqa", "span"),
        ("sea_ifeval", "instruction"),
        ("blend", "short_answer"),
    ],
)
def test_a_suite_finds_its_format(name: str, format_name: str) -> None:
    assert load_format(load_suite(name)).__class__.__module__.endswith(f".{format_name}")
