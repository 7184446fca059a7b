"""Spans, short answers, summaries and instructions: what is asked, and what a reply is worth."""

from collections.abc import Mapping

import pytest
from lokal.data.manifest import Json
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.formats.answer_text import answer_text
from lokal.evaluation.formats.format import load_format
from lokal.evaluation.item import Item

SPAN: dict[str, Json] = {
    "id": "s/1",
    "context": "Solo terletak di Jawa Tengah.",
    "question": "Di mana Solo?",
    "answers": ["Jawa Tengah", "di Jawa Tengah"],
}
SHORT: dict[str, Json] = {
    "id": "b/1",
    "question": "Camilan anak TK?",
    "topic": "Food",
    "answers": [
        {"answers": ["choki-choki", "coklat"], "en_answers": ["chocolate"], "count": 2},
        {"answers": ["kue cubit"], "en_answers": [], "count": 1},
    ],
    "idks": {"idk": 0, "not-applicable": 0},
}
INSTRUCTION: dict[str, Json] = {
    "id": "i/1",
    "prompt": "Tulis surat, awali dengan kata Halo.",
    "category": "startend",
    "instruction": "startend:first_word",
    "kwargs": {"first_word": "Halo"},
}


def ask(name: str, row: Mapping[str, Json], code: str = "id") -> Item:
    suite = load_suite(name)
    return load_format(suite).ask(row, suite=suite, region=load_region(code))


def value(name: str, item: Item, reply: str) -> tuple[float | None, str | None]:
    return load_format(load_suite(name)).score(item, reply)


@pytest.mark.parametrize(
    ("language", "reply", "answer"),
    [
        ("id", "Menurut bacaan.\nJawaban: Jawa Tengah", "Jawa Tengah"),
        ("id", "Jawaban: Solo\n**Jawaban:** *Jawa Tengah*", "Jawa Tengah"),
        ("hi", "उत्तर: दिल्ली", "दिल्ली"),
        ("tl", "Ang sagot: Cebu", "Cebu"),
        ("tl", "Answer: Cebu", "Cebu"),
        ("id", " Jawa Tengah ", "Jawa Tengah"),
    ],
)
def test_the_answer_stands_behind_the_last_marker(language: str, reply: str, answer: str) -> None:
    assert answer_text(reply, language=language) == answer


def test_a_span_scores_the_nearest_answer() -> None:
    item = ask("tydiqa", SPAN)
    assert item.messages[1]["content"] == "Solo terletak di Jawa Tengah.\n\nDi mana Solo?"
    assert item.cluster == "Solo terletak di Jawa Tengah."
    assert value("tydiqa", item, "Jawaban: di jawa tengah.") == (1.0, "di jawa tengah.")
    # Two words of four given and two wanted.
    assert value("tydiqa", item, "provinsi Jawa Tengah Indonesia")[0] == pytest.approx(2 / 3)
    assert value("tydiqa", item, "?") == (0.0, None)


def test_a_short_answer_counts_in_any_wording_but_only_on_the_first_line() -> None:
    item = ask("blend", SHORT)
    assert item.gold == ("choki-choki", "coklat", "kue cubit")
    assert item.category == "Food"
    assert value("blend", item, "Biasanya kue cubit.") == (1.0, "Biasanya kue cubit.")
    assert value("blend", item, "wafer\nkue cubit\ncoklat") == (0.0, "wafer")
    assert value("blend", item, "...") == (0.0, None)


def test_a_question_that_people_could_not_answer_has_no_right_answer() -> None:
    item = ask("blend", SHORT | {"answers": [], "idks": {"idk": 1, "not-applicable": 4}})
    assert item.gold == ()
    assert value("blend", item, "ski di Papua") == (None, "ski di Papua")


def test_a_summary_is_scored_in_the_order_of_its_words() -> None:
    row = {"id": "x/1", "document": "Mahaba.", "summary": "Naglunsad ng bago ang STV."}
    item = ask("xlsum", row, "tl")
    assert value("xlsum", item, "naglunsad ng bago ang stv")[0] == 1
    assert value("xlsum", item, "ang STV naglunsad")[0] == pytest.approx(2 * 2 / 8)


def test_an_instruction_is_asked_alone_and_scored_strictly() -> None:
    item = ask("sea_ifeval", INSTRUCTION)
    assert [message["role"] for message in item.messages] == ["user"]
    assert item.category == "startend"
    assert value("sea_ifeval", item, "Halo, Budi") == (1.0, "followed")
    assert value("sea_ifeval", item, "Baik:\nHalo, Budi") == (0.0, "followed loosely")
    assert value("sea_ifeval", item, "Hai") == (0.0, "not followed")


def test_an_instruction_for_another_language_expects_that_language() -> None:
    asked = {"instruction": "language:response_language", "kwargs": {"response_language": "tl"}}
    assert ask("sea_ifeval", INSTRUCTION | asked).expect.language == "tl"


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("tydiqa", SPAN | {"answers": []}, "answers must be a list of texts"),
        ("tydiqa", SPAN | {"answers": [" "]}, "answers must hold text, got ' '"),
        ("tydiqa", SPAN | {"context": None}, "context must hold text"),
        ("blend", SHORT | {"answers": []}, "answers holds none, and idks does not say"),
        ("blend", SHORT | {"answers": ["kue"]}, "answers must hold groups"),
        ("blend", SHORT | {"answers": "kue"}, "answers must be a list of groups"),
        ("xlsum", {"id": "x", "document": "Ada."}, "summary must hold text, got None"),
        ("sea_ifeval", INSTRUCTION | {"kwargs": {}}, "kwargs.first_word must be a word"),
        ("sea_ifeval", INSTRUCTION | {"kwargs": None}, "kwargs must hold the instruction's"),
        ("sea_ifeval", INSTRUCTION | {"instruction": "case:odd"}, "'case:odd' is not one of"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused(
    name: str, row: Mapping[str, Json], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ask(name, row)
