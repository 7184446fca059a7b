"""The registry of languages: shipped facts are consistent, and a fourth region is one YAML file."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from lokal.data.config_files import CONFIG_FOLDER_VARIABLE
from lokal.data.errors import UserError
from lokal.data.region import Region, load_region, region_codes
from lokal.data.suite import load_suite, topic_messages

TARGETS = ["hi", "id", "tl"]
JAVANESE = """\
code: jv
name: Javanese
native_name: Basa Jawa
iso639_3: jav
flores: [jav_Latn]
sib200: jav_Latn
belebele: jav_Latn
global_mmlu: jv
fineweb2: jav_Latn
lingua: JAVANESE
cld2: jv
scripts: [Latn, Java]
prompts:
  topic: "Temtokna topik teks. Wangsulana nganggo siji label: {labels}"
mix: {jv: 0.5, id: 0.3, en: 0.2}
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "region").mkdir()
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, str(tmp_path))
    load_region.cache_clear()
    yield tmp_path / "region"
    load_region.cache_clear()


def test_the_targets_are_three_and_english_is_the_anchor() -> None:
    assert region_codes(anchors=False) == TARGETS
    assert region_codes() == ["en", *TARGETS]


@pytest.mark.parametrize("code", TARGETS)
def test_every_region_is_complete(code: str) -> None:
    region = load_region(code)
    empty = [item.name for item in fields(Region) if not getattr(region, item.name)]
    assert set(empty) <= {"anchor", "same_class", "code_switch_scripts"}
    assert region.code == code
    assert set(region.mix) == {code, "en"}
    assert all(name.endswith(f"_{script}") for name in region.flores for script in region.scripts)
    assert region.sib200 in region.flores


def test_tagalog_is_known_under_all_of_its_codes() -> None:
    region = load_region("tl")
    assert (region.flores, region.sib200, region.global_mmlu, region.fineweb2) == (
        ["fil_Latn", "tgl_Latn"],
        "tgl_Latn",
        "fil",
        "fil_Latn",
    )


@pytest.mark.parametrize("code", ["en", *TARGETS])
def test_the_prompt_is_in_the_language_and_lists_every_label(code: str) -> None:
    suite = load_suite("sib200")
    messages = topic_messages(load_region(code), suite, "ज़ text")
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"].endswith(", ".join(suite.labels))
    assert messages[1]["content"] == "ज़ text"
    is_devanagari = any("\u0900" <= letter <= "\u097f" for letter in messages[0]["content"])
    assert is_devanagari == (load_region(code).scripts == ["Deva"])


def test_a_fourth_region_costs_one_file(own_folder: Path) -> None:
    (own_folder / "jv.yaml").write_text(JAVANESE, encoding="utf-8")
    assert "jv" in region_codes(anchors=False)
    assert load_region("jv").prompt("topic", ["sports", "health"]).endswith("sports, health")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("jv", ("lingua:", "linga:"), "jv.yaml: unknown key 'linga'"),
        ("jv", ("lingua: JAVANESE\n", ""), "jv.yaml: 'lingua' is missing"),
        ("jv", ("jv: 0.5", "jv: 0.6"), "region.mix of 'jv' must sum to 1"),
        ("jv", ("[Latn, Java]", "[]"), "region.scripts of 'jv' is empty"),
        ("jw", ("", ""), "jw.yaml: code is 'jv', its file says 'jw'"),
        ("jv", ("[Latn, Java]", "[Latn"), "jv.yaml is not YAML"),
    ],
)
def test_a_mistake_in_a_regions_file_is_named(
    own_folder: Path, name: str, change: tuple[str, str], message: str
) -> None:
    (own_folder / f"{name}.yaml").write_text(JAVANESE.replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_region(name)


def test_an_unknown_region_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown region 'zz': choose one of en, hi, id, tl"):
        load_region("zz")


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(UserError, match="region hi has no prompt 'poetry'"):
        load_region("hi").prompt("poetry", [])
