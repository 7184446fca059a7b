import gzip
import json

import pytest
from datatrove.data import Document
from lokal.data.document import is_dropped, metadata_of, new_document
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.scripts import count_letters, script_name
from lokal.data.steps.decontaminate import Decontaminate
from lokal.data.steps.deduplicate import Deduplicate
from lokal.data.steps.language_gate import LanguageGate
from lokal.data.steps.make_messages import MakeMessages
from lokal.data.steps.script_gate import ScriptGate
from lokal.data.steps.write_corpus import is_held_out
from lokal.data.suite import load_suite, read_items


def document(text: str, *, id: str = "1", lang: str = "id") -> Document:
    return new_document(id=id, text=text, lang=lang, source="s", licence="", url="")


@pytest.mark.parametrize(
    ("region", "text", "script", "reason"),
    [
        ("hi", "ज़िला अस्पताल, कक्षा 7", "Deva", None),
        ("hi", "मैंने Python सीखी और code लिखा, बहुत अच्छा लगा", "Deva", None),
        ("hi", "mujhe yeh film bahut pasand aayi", "Latn", "other script"),
        ("id", "Dia berkata: नमस्ते kepada semua orang di sana.", "Latn", None),
        ("tl", "Привет, kumusta", "Latn", None),
        ("tl", "Привет всем, ka", "Cyrl", "other script"),
        ("id", "12345 +-* 😀", "Zzzz", "no letters"),
    ],
)
def test_script_gate(region: str, text: str, script: str, reason: str | None) -> None:
    row = document(text)
    verdict = ScriptGate(load_region(region).scripts, min_share=0.5).judge(row)
    assert (verdict.reason if verdict else None) == reason
    assert metadata_of(row)["script"] == script


def test_vowel_signs_and_joiners_count_for_their_script_and_accents_for_none() -> None:
    assert count_letters("क्‍षि") == {"Deva": 4}
    assert count_letters("e\u0301n\u0303") == {"Latn": 2}
    with pytest.raises(UserError, match=r"unknown script 'Dev': choose one of .*Deva"):
        script_name("Dev")


def judge_language(region: str, text: str) -> str | None:
    verdict = LanguageGate(load_region(region), min_own_share=0.25).judge(document(text))
    return verdict.detail if verdict else None


@pytest.mark.parametrize(
    ("region", "text", "dropped_as"),
    [
        ("id", "Lagu ini dirilis pada tahun 2011 secara digital.", None),
        (
            "tl",
            "Nasa cast din sina Kristoffer King, Janvier Daily, Bb.",
            None,
        ),  # names look English
        ("tl", "Ok.", None),  # CLD2 is unsure
        ("hi", "इस पुस्तकात मराठी भाषेचा इतिहास सांगितला आहे आणि तो फार जुना आहे.", "mr"),
        ("id", "The quick brown fox jumps over the lazy dog. " * 8, "en"),
        (
            "tl",
            "Ang mga file ay nasa folder. " * 8 + "Open the settings of this device. " * 8,
            None,
        ),
    ],
)
def test_language_gate_keeps_short_and_mixed_rows(
    region: str, text: str, dropped_as: str | None
) -> None:
    assert judge_language(region, text) == dropped_as


def test_language_gate_believes_malay_only_on_long_texts() -> None:
    lines = gzip.decompress(resolve_sample("sample:langid/neighbours_dev.jsonl.gz").read_bytes())
    rows = [json.loads(line) for line in lines.splitlines()]
    malay = [row["text"] for row in rows if row["lang"] == "ms"]
    assert all(judge_language("id", text) is None for text in malay)
    assert judge_language("id", " ".join(malay[:8])) == "ms"


@pytest.mark.parametrize("region", ["id", "hi", "tl"])
def test_language_gate_keeps_every_sib200_training_row(region: str) -> None:
    items = read_items(load_suite("sib200"), split="train", language=region)
    assert [item.id for item in items if judge_language(region, item.text)] == []


def test_dedup_keeps_the_first_of_equal_texts() -> None:
    texts = ["Satu dua!", "क्‍षमा", "satu  dua", "क्षमा", "!!!", "???", "tiga"]
    rows = [document(text, id=str(number)) for number, text in enumerate(texts)]
    kept = [row.text for row in Deduplicate().stream(rows, rank=0) if not is_dropped(row)]
    assert kept == ["Satu dua!", "क्‍षमा", "!!!", "???", "tiga"]


@pytest.mark.parametrize("language", ["en", "id", "hi", "tl"])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_decontamination_finds_every_item_in_every_language(language: str, split: str) -> None:
    items = read_items(load_suite("sib200"), split=split, language=language)
    rows = [document(f"« {item.text.upper()} »", id=f"x/{item.id}") for item in items]
    for row, item in zip(Decontaminate(["sib200"]).stream(rows, rank=0), items, strict=True):
        metadata = metadata_of(row)
        assert metadata["reason"] == f"sib200 {split}: exact"
        assert metadata["detail"] == item.id


def test_decontamination_knows_an_item_by_its_id_in_a_language_it_has_not() -> None:
    item = read_items(load_suite("sib200"), split="test", language="id")[0]
    row = document("Teks terjemahan yang lain sama sekali.", id=item.id)
    (row,) = Decontaminate(["sib200"]).stream([row], rank=0)
    assert metadata_of(row)["reason"] == "sib200 test: id"


def test_task_rows_become_the_evaluation_prompt_and_its_answer() -> None:
    row = document("ज़िला बंद है।", lang="hi")
    metadata_of(row)["label"] = "politics"
    (row,) = MakeMessages(load_region("hi"), suites={"s": "sib200"}).stream([row], rank=0)
    messages = metadata_of(row)["messages"]
    assert messages is not None
    assert [turn["role"] for turn in messages] == ["system", "user", "assistant"]
    assert messages[1]["content"] == "ज़िला बंद है।"
    assert messages[2]["content"] == "politics"


def test_held_out_rows_are_chosen_by_id_and_seed() -> None:
    ids = [f"row/{number}" for number in range(5000)]
    held = [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=0)]
    assert 400 < len(held) < 600
    assert held == [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=0)]
    assert held != [row_id for row_id in ids if is_held_out(row_id, share=0.1, seed=1)]
    assert not any(is_held_out(row_id, share=0, seed=0) for row_id in ids)
