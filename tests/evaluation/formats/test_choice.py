"""Which letter a reply answers with, and how rows become multiple-choice items."""

import pytest
from lokal.data.region import load_region
from lokal.data.suite import load_suite
from lokal.evaluation.formats.choice import FORMAT, extract_letter, text_options

OPTIONS = ["मुंबई", "दिल्ली", "कोलकाता", "ज़िला"]
ROW = {"id": "x/1", "context": "क्‍षमा करें।", "question": "राजधानी?", "choices": OPTIONS, "answer": 1}


@pytest.mark.parametrize(
    ("reply", "marker", "expected"),
    [
        ("B", "उत्तर", "B"),
        ("(B) दिल्ली", "उत्तर", "B"),
        ("**B**", "", "B"),
        ("B.", "", "B"),
        ("उत्तर: B", "उत्तर", "B"),
        ("उत्तर A नहीं है। उत्तर: C", "उत्तर", "C"),  # the last marker counts
        ("Jawaban yang benar adalah D", "Jawaban", "D"),
        ("Jawaban: B, sebab A salah", "Jawaban", "B"),
        ("Ang sagot ay C.", "Sagot", "C"),
        ("Answer: D", "Sagot", "D"),  # many systems answer in English all the same
        ("सही विकल्प दिल्ली है", "उत्तर", "B"),
        ("मुंबई या दिल्ली", "उत्तर", None),
        ("A or B", "", "A"),
        ("It is either C or D", "", None),
        ("I don't know", "", None),
        ("E", "", None),
        ("", "", None),
    ],
)
def test_the_letter_comes_from_the_last_marker_then_the_beginning_then_what_stands_alone(
    reply: str, marker: str, expected: str | None
) -> None:
    assert extract_letter(reply, OPTIONS, marker=marker) == expected


def test_a_row_becomes_a_prompt_with_its_passage_question_and_lettered_options() -> None:
    suite = load_suite("belebele")
    item = FORMAT.ask(ROW, suite=suite, region=load_region("hi"))
    assert [message["role"] for message in item.messages] == ["system", "user"]
    assert item.messages[1]["content"] == (
        "क्‍षमा करें।\n\nराजधानी?\nA. मुंबई\nB. दिल्ली\nC. कोलकाता\nD. ज़िला"
    )
    assert (item.choices, item.gold) == (("A", "B", "C", "D"), ("B",))
    assert item.cluster == "क्‍षमा करें।"
    assert FORMAT.score(item, "उत्तर: B") == (1.0, "B")
    assert FORMAT.score(item, "पता नहीं") == (0.0, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": 4}, "answer is 4, but there are 4 choices"),
        ({"answer": "B"}, "answer must be the index of a choice, got 'B'"),
        ({"answer": None}, "answer must be the index of a choice, got None"),
        ({"choices": ["a"]}, "choices must be a list of 2 to 10 texts"),
        ({"choices": ["a", " "]}, "choices must hold texts, got ' '"),
        ({"question": ""}, "question must hold text, got ''"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FORMAT.ask(ROW | change, suite=load_suite("belebele"), region=load_region("hi"))


@pytest.mark.parametrize(
    ("language", "premise", "asks", "prompt", "scored"),
    [
        ("id", "Jalan itu banjir.", "cause", "Apa penyebab", "Jalan itu banjir karena"),
        ("hi", "ज़िला बंद रहा।", "effect", "इस बात का परिणाम", "ज़िला बंद रहा इसलिए"),
        ("tl", "Nabasa si Ana.", "cause", "Ano ang dahilan", "Nabasa si Ana dahil"),
    ],
)
def test_a_premise_asks_for_its_cause_or_effect_and_goes_on_to_it(
    language: str, premise: str, asks: str, prompt: str, scored: str
) -> None:
    row = {
        "id": "x/1",
        "premise": premise,
        "asks": asks,
        "choices": ["Umulan", "Ulan"],
        "answer": 0,
    }
    suite = load_suite("xcopa")
    item = FORMAT.ask(row, suite=suite, region=load_region(language))
    assert item.messages[0]["content"].startswith(prompt)
    assert item.messages[1]["content"] == f"{premise}\nA. Umulan\nB. Ulan"
    assert text_options(item) == [(scored, " umulan"), (scored, " ulan")]
    with pytest.raises(ValueError, match="asks must be cause or effect, got 'why'"):
        FORMAT.ask({**row, "asks": "why"}, suite=suite, region=load_region(language))
