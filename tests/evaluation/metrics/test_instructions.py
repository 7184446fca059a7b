"""Each instruction is seen followed and not followed, in Indonesian, Hindi and Tagalog."""

from collections.abc import Mapping

import pytest
from lokal.data.manifest import Json
from lokal.evaluation.metrics.instructions.verify import RULES, follows

CASES: list[tuple[str, Mapping[str, Json], str, str, str]] = [
    # instruction, values, language, a reply that follows, one that does not
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Apa itu batik?"},
        "id",
        '"Apa itu batik?"\nKain.',
        "Kain. Apa itu batik?",
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "चाय क्या है?"},
        "hi",
        "चाय क्या है? पेय।",
        "चाय क्या है?",
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Ano ang adobo?"},
        "tl",
        "ano ang adobo? Ulam.",
        "Ang adobo ay ulam.",
    ),
    ("combination:two_responses", {}, "id", "Satu\n******\nDua", "Satu\n******\nSatu"),
    ("combination:two_responses", {}, "hi", "पहला\n******\nदूसरा", "पहला\n***\nदूसरा"),
    ("combination:two_responses", {}, "tl", "Una ****** Ikalawa", "Una ****** Iba ****** Iba pa"),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        "id",
        "[nama] di [alamat]",
        "[nama] []",
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        "hi",
        "[नाम], [पता], [फ़ोन]",
        "[नाम]",
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 1},
        "tl",
        "Kay [pangalan]",
        "Kay (pangalan)",
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        "id",
        "Salam.\nP.S. Hati-hati",
        "Salam. P.S. Hati-hati",
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.P.S."},
        "hi",
        "नमस्ते\n**P.P.S.** ध्यान रखना",
        "नमस्ते\nP.S. ध्यान रखना",
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        "tl",
        "Ingat!\np. s. Tawag ka",
        "Ingat!\nP.S.",
    ),
    (
        "detectable_format:constrained_response",
        {},
        "id",
        "Hmm. Jawaban saya adalah tidak.",
        "Tidak.",
    ),
    (
        "detectable_format:constrained_response",
        {"options": ["मेरा उत्तर हाँ है।", "मेरा उत्तर नहीं है।"]},
        "hi",
        "मेरा उत्तर हाँ है।",
        "हाँ",
    ),
    (
        "detectable_format:constrained_response",
        {},
        "tl",
        "Ang sagot ko ay oo.",
        "Ang sagot ko ay oo. Ang sagot ko ay hindi.",
    ),
    ("detectable_format:json_format", {}, "id", '{"kota": "Solo"}', 'Ini: {"kota": "Solo"}'),
    ("detectable_format:json_format", {}, "hi", '```json\n{"शहर": "पुणे"}\n```', "{शहर: पुणे}"),
    ("detectable_format:json_format", {}, "tl", '```\n["Cebu"]\n```', '```\n["Cebu"]\n``` ayan'),
    (
        "detectable_format:multiple_sections",
        {"section_title": "BAGIAN", "num_sections": 2},
        "id",
        "BAGIAN 1\nA\n**BAGIAN 2**\nB",
        "BAGIAN 1\nlihat BAGIAN 2",
    ),
    (
        "detectable_format:multiple_sections",
        {"section_title": "भाग", "num_sections": 2},
        "hi",
        "भाग १\nक\nभाग २\nख",
        "भाग १\nक\nभाग २\nख\nभाग ३\nग",
    ),
    (
        "detectable_format:multiple_sections",
        {"section_title": "SEKSIYON", "num_sections": 1},
        "tl",
        "SEKSIYON I\nA",
        "Seksiyon I\nA",
    ),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "id", "* a\n- b", "* a\n*b"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "hi", "सूची:\n* एक", "• एक"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "tl", "* **isa**", "* a\n* b"),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        "id",
        "*satu* dan **dua**",
        "*satu* dan ** **",
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 1},
        "hi",
        "यह *ज़रूरी* है",
        "यह ज़रूरी है *",
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 1},
        "tl",
        "**mahalaga ito**",
        "* isa\n* dalawa",
    ),
    ("detectable_format:title", {}, "id", "<<Surat>>\nHalo", "<Surat>"),
    ("detectable_format:title", {}, "hi", "<< पत्र >>", "<<>> पत्र"),
    ("detectable_format:title", {}, "tl", "<<Liham>>", "<<\nLiham>>"),
    ("keywords:existence", {"keywords": ["babak final"]}, "id", "Babak Final!", "babak semifinal"),
    ("keywords:existence", {"keywords": ["नदी"]}, "hi", "यह नदी।", "नदियाँ, नदीतट"),
    ("keywords:existence", {"keywords": ["ilog", "pista"]}, "tl", "Pista sa ilog", "ilog"),
    ("keywords:forbidden_words", {"forbidden_words": ["gas"]}, "id", "bergas", "Gas!"),
    ("keywords:forbidden_words", {"forbidden_words": ["काम"]}, "hi", "कामना", "काम करो"),
    ("keywords:forbidden_words", {"forbidden_words": ["maganda"]}, "tl", "ganda", "Maganda."),
    (
        "keywords:frequency",
        {"relation": "at least", "keyword": "pagi", "frequency": 2},
        "id",
        "Pagi, pagi",
        "Pagi, paginya",
    ),
    (
        "keywords:frequency",
        {"relation": "less than", "keyword": "सुबह", "frequency": 2},
        "hi",
        "सुबह",
        "सुबह-सुबह",
    ),
    (
        "keywords:frequency",
        {"relation": "exactly", "keyword": "umaga", "frequency": 1},
        "tl",
        "Magandang umaga",
        "umaga, umaga",
    ),
    (
        "keywords:number_frequency",
        {"relation": "exactly", "number": "3", "frequency": 2},
        "id",
        "3. Hari ke-3, 30 dan 2,3",
        "3",
    ),
    (
        "keywords:number_frequency",
        {"relation": "at least", "number": "9", "frequency": 2},
        "hi",
        "९ और 9",
        "९९",
    ),
    (
        "keywords:number_frequency",
        {"relation": "less than", "number": "4", "frequency": 2},
        "tl",
        "4",
        "4 at 4",
    ),
    (
        "language:response_language",
        {"response_language": "id"},
        "id",
        "Rumah makan itu menjual nasi goreng dan sate ayam setiap hari untuk keluarga.",
        "The restaurant sells fried rice and chicken skewers every day for families.",
    ),
    (
        "language:response_language",
        {"response_language": "hi"},
        "hi",
        "यह दुकान हर दिन ताज़ा खाना बनाती है और लोग दूर से आते हैं।",
        "Yeh dukaan har din taaza khana banati hai aur log door se aate hain.",
    ),
    (
        "language:response_language",
        {"response_language": "tl"},
        "tl",
        "Nagluluto ang tindahan ng sariwang pagkain araw-araw para sa mga pamilya.",
        "Toko itu memasak makanan segar setiap hari untuk keluarga yang datang dari jauh.",
    ),
    (
        "language:response_language",
        {"response_language": "th"},
        "id",
        "ร้านนี้ทำอาหารทุกวัน",
        "ร้านนี้ทำอาหาร setiap hari",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "id", "A\n***\nB", "A\n\nB"),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2, "divider": ""},
        "hi",
        "एक।\n\nदो।",
        "एक।\nदो।",
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        "tl",
        "***\nA\n***\nB",
        "A\n***\nB\n***\nK",
    ),
    (
        "length_constraints:number_sentences",
        {"relation": "at least", "num_sentences": 2},
        "id",
        "Satu. *** Dua.",
        "Satu. Dua.",
    ),
    (
        "length_constraints:number_sentences",
        {"relation": "less than", "num_sentences": 3, "divider": ""},
        "hi",
        "एक है। दो हैं।",
        "एक है। दो हैं। तीन हैं।",
    ),
    (
        "length_constraints:number_sentences",
        {"relation": "less than", "num_sentences": 3},
        "tl",
        "Isa. *** Dalawa.",
        "Isa. Dalawa. Tatlo.",
    ),
    (
        "length_constraints:number_words",
        {"relation": "at least", "num_words": 3},
        "id",
        "anak-anak main",
        "anak main",
    ),
    (
        "length_constraints:number_words",
        {"relation": "less than", "num_words": 3},
        "hi",
        "क्‍षमा करें।",
        "क्‍षमा करें जी।",
    ),
    (
        "length_constraints:number_words",
        {"relation": "exactly", "num_words": 2},
        "tl",
        "Magandang umaga!",
        "Umaga!",
    ),
    (
        "startend:end_checker",
        {"end_phrase": "Ada lagi?"},
        "id",
        'Baik. "Ada lagi?"',
        "Ada lagi? Baik.",
    ),
    ("startend:end_checker", {"end_phrase": "धन्यवाद।"}, "hi", "ठीक है, धन्यवाद।\n", "धन्यवाद। ठीक है"),
    ("startend:end_checker", {"end_phrase": "salamat."}, "tl", "Sige, SALAMAT.", "Salamat, sige"),
    ("startend:first_word", {"first_word": "mobil"}, "id", "**Mobil** itu", "Mobilnya"),
    ("startend:first_word", {"first_word": "गाड़ी"}, "hi", "गाड़ी चली", "गाड़ियाँ"),
    ("startend:first_word", {"first_word": "kotse"}, "tl", "Kotse ko", "Ang kotse"),
    ("startend:quotation", {}, "id", '"Halo."', '"Halo." katanya'),
    ("startend:quotation", {}, "hi", "“नमस्ते।”", "'नमस्ते।'"),
    ("startend:quotation", {}, "tl", ' "Kumusta?" ', 'Kumusta?"'),
]


@pytest.mark.parametrize(
    ("instruction", "values", "language", "good", "bad"),
    CASES,
    ids=[f"{case[0]}-{case[2]}" for case in CASES],
)
def test_an_instruction_is_seen_followed_and_not_followed(
    instruction: str, values: Mapping[str, Json], language: str, good: str, bad: str
) -> None:
    assert follows(good, instruction, values, language=language).strict
    assert not follows(bad, instruction, values, language=language).strict
    assert not follows("", instruction, values, language=language).strict


def test_every_rule_is_tested_in_three_languages() -> None:
    tested = {(instruction, language) for instruction, _, language, _, _ in CASES}
    missing = {(rule, code) for rule in RULES for code in ("id", "hi", "tl")} - tested
    assert not missing


@pytest.mark.parametrize(
    ("instruction", "values", "reply"),
    [
        ("startend:first_word", {"first_word": "मोर"}, "ज़रूर! यह रहा:\nमोर नाचा।"),
        ("startend:end_checker", {"end_phrase": "Ada lagi?"}, "Ada lagi?\nSemoga membantu."),
        ("startend:quotation", {}, '*"Kumusta?"*'),
        ("detectable_format:json_format", {}, 'Ito na:\n{"a": 1}\nAyan.'),
    ],
)
def test_the_loose_reading_forgives_an_opening_a_closing_and_asterisks(
    instruction: str, values: Mapping[str, Json], reply: str
) -> None:
    followed = follows(reply, instruction, values, language="id")
    assert (followed.strict, followed.loose) == (False, True)


@pytest.mark.parametrize(
    ("instruction", "values", "message"),
    [
        ("change_case:capital", {}, "'change_case:capital' is not one of those that can be"),
        ("length_constraints:number_words", {"relation": "at least"}, r"kwargs.num_words must be"),
        (
            "keywords:frequency",
            {"relation": "about", "keyword": "ya", "frequency": 1},
            "kwargs.relation must be one of .* got 'about'",
        ),
        ("keywords:existence", {"keywords": []}, r"kwargs.keywords must be a list of words"),
        ("startend:first_word", {"first_word": " "}, r"kwargs.first_word must be a word or phrase"),
        ("detectable_format:constrained_response", {}, r"kwargs.options must list the answers"),
        ("length_constraints:number_paragraphs", {"divider": 3}, r"kwargs.divider must be text"),
    ],
)
def test_an_instruction_with_wrong_values_is_refused(
    instruction: str, values: Mapping[str, Json], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        follows("हाँ", instruction, values, language="hi")
