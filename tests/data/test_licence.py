"""The table of licences: every name that a shipped config uses is known, and what it asks."""

import re
from pathlib import Path

import pytest
import yaml
from lokal.data.licence import find_licence, find_licences, write_licence_files

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def test_every_licence_of_a_shipped_model_or_corpus_is_known() -> None:
    files = [*CONFIGS.glob("model/*.yaml"), *CONFIGS.glob("corpus/*.yaml")]
    found = [re.findall(r"^ *licence: ([^#\n]+)", path.read_text(), re.M) for path in files]
    names = {name.strip() for several in found for name in several} - {"???", '""'}
    assert len(names) >= 10
    assert [name for name in names for item in find_licences([name]) if not item.is_known] == []


@pytest.mark.parametrize("version", ["3.1", "3.2", "3.3"])
def test_llamas_licence_asks_for_its_name_its_line_and_its_notice(version: str) -> None:
    licence = find_licence(f"Llama {version} Community License")
    assert (licence.hub, licence.name_begins_with) == (f"llama{version}", "Llama")
    assert licence.shown == "Built with Llama"
    assert licence.notice == (
        f"Llama {version} is licensed under the Llama {version} Community License, "
        "Copyright © Meta Platforms, Inc. All Rights Reserved."
    )
    assert f"llama{version.replace('.', '_')}/use-policy" in licence.policy
    assert find_licence(f"llama{version}") is licence


def test_two_licences_in_one_name_are_two() -> None:
    found = find_licences(["CC-BY-SA-3.0 AND GFDL-1.3-or-later", "CC BY-SA 4.0", "CC-BY-SA-4.0"])
    assert [item.name for item in found] == ["CC BY-SA 4.0", "CC BY-SA 3.0", "GNU FDL 1.3 or later"]
    assert all(item.share_alike for item in found)


def test_a_licence_that_is_not_in_the_table_says_so() -> None:
    licence = find_licence("Own Terms 7")
    assert (licence.is_known, licence.name, licence.hub) == (False, "Own Terms 7", "other")
    assert "read it before you pass the model on" in licence.duties[0]


def test_the_parents_texts_and_its_notice_go_beside_the_weights(tmp_path: Path) -> None:
    parent, own = tmp_path / "parent", tmp_path / "own"
    parent.mkdir()
    own.mkdir()
    for name in ("LICENSE.txt", "USE_POLICY.md", "config.json"):
        (parent / name).write_text(name)
    write_licence_files(own, parent=parent, licence=find_licence("llama3.1"))
    assert sorted(path.name for path in own.iterdir()) == ["LICENSE.txt", "NOTICE", "USE_POLICY.md"]
    assert (own / "NOTICE").read_text().startswith("Llama 3.1 is licensed under")


def test_the_table_has_no_key_twice() -> None:
    text = (CONFIGS.parent / "data" / "licences.yaml").read_text()
    keys = re.findall(r"^([\w.-]+):", text, re.M)
    assert len(keys) == len(set(keys)) == len(yaml.safe_load(text))
