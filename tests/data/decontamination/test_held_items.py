import gzip
import json
from pathlib import Path

import pytest
from lokal.data.config_files import config_names
from lokal.data.decontamination.held_items import (
    DecontaminateConfig,
    list_held_files,
    read_all_held_items,
    read_held_items,
    skipped_suites,
)
from lokal.data.errors import UserError
from lokal.data.suite import Suite, held_splits, load_suite


def write(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def suite_of(*protect: str) -> Suite:
    return Suite(
        name="own", items={"test": "items:x.jsonl"}, licence="", source="", protect=list(protect)
    )


@pytest.mark.parametrize(
    ("protect", "groups"),
    [
        (["premise+hypothesis"], [["प्र ज़", "hyp"]]),
        (["premise", "hypothesis"], [["प्र ज़"], ["hyp"]]),
        (["choices"], [["a"], ["b"]]),
        (["premise+choices"], [["प्र ज़", "a\nb"]]),
        (["hypothesis", "absent"], [["hyp"]]),
        (["hypothesis", "empty", "absent+hypothesis"], [["hyp"]]),
    ],
)
def test_a_suite_says_which_fields_count(
    tmp_path: Path, protect: list[str], groups: list[list[str]]
) -> None:
    row = {"id": "x/1", "premise": "प्र ज़", "hypothesis": "hyp", "choices": ["a", "b"], "empty": " "}
    path = write(tmp_path / "x.jsonl.gz", row)
    (item,) = read_held_items(suite_of(*protect), split="test", path=path)
    assert item.groups == groups


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "x"}, r"x\.jsonl:2 is not an item: it has no id"),
        ({"id": "2", "txt": "x"}, r"x\.jsonl:2 has no field text or text_b: correct 'protect' in"),
    ],
)
def test_a_broken_item_is_named_with_its_line(tmp_path: Path, row: object, message: str) -> None:
    path = write(tmp_path / "x.jsonl", {"id": "1", "text": "x"}, row)
    with pytest.raises(UserError, match=message):
        list(read_held_items(suite_of("text", "text_b"), split="test", path=path))


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl.gz", *[{"id": str(n), "text": "x" * n} for n in range(1, 99)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"x\.jsonl\.gz cannot be read to its end"):
        list(read_held_items(suite_of("text"), split="test", path=path))


def test_items_that_are_not_shipped_lie_below_items_root(tmp_path: Path) -> None:
    write(tmp_path / "nusax_senti" / "id.jsonl", {"id": "n/1", "text": "Bagus"})
    write(tmp_path / "nusax_senti" / "en.jsonl.gz", {"id": "n/1", "text": "Good"})
    config = DecontaminateConfig(suites=["sib200", "nusax_senti"], items_root=str(tmp_path))
    files = list_held_files(config)
    assert [file.path.name for file in files][-2:] == ["en.jsonl.gz", "id.jsonl"]
    items = [item for item in read_all_held_items(config) if item.suite == "nusax_senti"]
    assert [item.groups for item in items] == [[["Good"]], [["Bagus"]]]


def test_missing_items_are_named_with_their_place_and_cure(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"belebele is not shipped: set decontaminate\.items_root"):
        list_held_files(DecontaminateConfig(suites=["belebele"]))
    config = DecontaminateConfig(suites=["belebele"], items_root=str(tmp_path))
    with pytest.raises(UserError, match=r"belebele has no test items at items:belebele/.*skip_mis"):
        list_held_files(config)


@pytest.mark.parametrize("root", [None, "."])
def test_missing_items_are_passed_over_only_on_demand_and_named(root: str | None) -> None:
    config = DecontaminateConfig(suites=["sib200", "belebele"], items_root=root, skip_missing=True)
    assert {file.suite.name for file in list_held_files(config)} == {"sib200"}
    assert skipped_suites(config) == ["belebele"]


def test_a_suite_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"decontaminate\.suites names one twice"):
        DecontaminateConfig(suites=["sib200", "sib200"])


def test_train_is_never_held_and_test_comes_first() -> None:
    assert held_splits(load_suite("sib200")) == ["test", "dev"]
    assert all(
        "train" not in held_splits(suite) and held_splits(suite)[0] == "test"
        for suite in map(load_suite, config_names("suite"))
        if not suite.members
    )


def test_a_choice_of_suites_holds_the_items_of_each() -> None:
    files = list_held_files(DecontaminateConfig(suites=["quick", "sib200"]))
    assert {file.suite.name for file in files} == set(load_suite("quick").members)
    assert len(files) == len({file.path for file in files})


def test_pairs_count_together_where_a_benchmark_repeats_its_premises() -> None:
    for name in ("indonli", "batayan_nli", "hindi_nli_bbc"):
        assert load_suite(name).protect == ["premise+hypothesis"]
