import pytest
from datatrove.data import Document
from lokal.data.document import metadata_of, new_document
from lokal.data.errors import UserError
from lokal.data.language.config import LanguageConfig
from lokal.data.region import load_region
from lokal.data.scripts import count_letters, script_name
from lokal.data.steps.script_gate import ScriptGate
from lokal.data.steps.step import Verdict


def judge(
    region: str, text: str, *, id: str = "1", **settings: object
) -> tuple[Document, Verdict | None]:
    row = new_document(id=id, text=text, lang=region, source="s", licence="", url="")
    config = LanguageConfig(**settings)  # pyright: ignore[reportArgumentType]
    return row, ScriptGate(load_region(region), config).judge(row)


@pytest.mark.parametrize(
    ("region", "text", "script", "reason"),
    [
        ("hi", "ज़िला अस्पताल, कक्षा 7", "Deva", None),
        ("hi", "मैंने Python सीखी और code लिखा, बहुत अच्छा लगा", "Deva", None),
        ("hi", "The committee will publish its results next week.", "Latn", "other script"),
        ("id", "Dia berkata: नमस्ते kepada semua orang di sana.", "Latn", None),
        ("tl", "Привет, kumusta", "Latn", None),
        ("tl", "Привет всем, ka", "Cyrl", "other script"),
        ("id", "12345 +-* 😀", "Zzzz", "no letters"),
    ],
)
def test_script_gate(region: str, text: str, script: str, reason: str | None) -> None:
    row, verdict = judge(region, text)
    assert (verdict.reason if verdict else None) == reason
    assert metadata_of(row)["script"] == script


def test_hinglish_is_labelled_and_kept_though_its_script_is_latin() -> None:
    row, verdict = judge("hi", "mujhe yeh film bahut pasand aayi")
    assert verdict is None
    assert metadata_of(row)["register"] == "hinglish"
    assert metadata_of(row)["notes"] == {"register: hinglish": 1}
    assert metadata_of(row)["script_share"] == 0


def test_hinglish_is_dropped_where_the_config_says_so() -> None:
    _, verdict = judge("hi", "kal subah jaldi aana hai", registers={"hinglish": "drop"})
    assert verdict == Verdict("register hinglish", "not kept by language.registers")


def test_a_share_keeps_the_same_rows_every_time_and_about_so_many() -> None:
    def kept(share: str) -> set[str]:
        rows = [judge("hi", "kal subah aana hai", id=str(n), registers={"hinglish": share})
                for n in range(400)]  # fmt: skip
        return {row.id for row, verdict in rows if verdict is None}

    assert 20 <= len(kept("0.1")) <= 60
    assert kept("0.1") == kept("0.1")
    assert kept("0.1") < kept("0.5")
    assert len(kept("1")) == 400


def test_other_regions_know_no_hinglish() -> None:
    row, verdict = judge("id", "mujhe yeh film bahut pasand aayi")
    assert verdict is None
    assert metadata_of(row)["register"] == ""


def test_code_blocks_do_not_count_against_the_script() -> None:
    code = "```python\nprint('a long line of program code in Latin letters')\n```"
    _, verdict = judge("hi", f"यह उदाहरण देखें:\n{code}\n{code}")
    assert verdict is None


def test_vowel_signs_and_joiners_count_for_their_script_and_accents_for_none() -> None:
    assert count_letters("क्‍षि") == {"Deva": 4}
    assert count_letters("e\u0301n\u0303") == {"Latn": 2}
    assert count_letters("é, ñ; ab 1 नमस्ते") == {"Latn": 4, "Deva": 6}
    assert count_letters("123 .") == {}
    with pytest.raises(UserError, match=r"unknown script 'Dev': choose one of .*Deva"):
        script_name("Dev")
