"""How a corpus is cut into parts, and who works on them, changes no row and no byte."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from lokal.data.manifest import sha256_of_file
from lokal.recipes.prepare import prepare

PART_BYTES = 60_000


def made(root: Path, name: str, *words: str) -> Path:
    """Return the corpus of 701 Hindi rows: cuts fall into rows, and into letters of three bytes."""
    source = 'corpus.sources.mine.path="sample:sib200/{region}_train.jsonl"'
    local = ["region=hi", "corpus=local", source, "corpus.sources.mine.licence=CC-BY-SA-4.0"]
    assert prepare.main([*local, f"root={root}", f"name={name}", *words]) == 0
    return root / name / "corpus" / "hi"


def rows_of(corpus: Path, stem: str) -> list[dict[str, object]]:
    files = sorted(corpus.glob(f"{stem}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the corpus that one process made in several parts."""
    words = (f"corpus.part_bytes={PART_BYTES}", "engine.workers=1")
    corpus = made(tmp_path_factory.mktemp("parts"), "one", *words)
    assert len(list(corpus.glob("train-*.parquet"))) > 5
    return corpus


def test_many_parts_give_the_same_bytes_with_one_process_or_two(
    parts: Path, tmp_path: Path
) -> None:
    two = made(tmp_path, "two", f"corpus.part_bytes={PART_BYTES}", "engine.workers=2")
    names = {file.name for file in parts.iterdir()} - {"manifest.json", "denylist"}
    assert names == {file.name for file in two.iterdir()} - {"manifest.json", "denylist"}
    assert [name for name in sorted(names) if not same_bytes(parts / name, two / name)] == []


def same_bytes(one: Path, other: Path) -> bool:
    return sha256_of_file(one) == sha256_of_file(other)


def test_the_size_of_the_parts_changes_no_row(parts: Path, tmp_path: Path) -> None:
    whole = made(tmp_path, "whole", "engine.workers=1")
    assert len(list(whole.glob("train-*.parquet"))) == 1
    for stem in ("train", "heldout", "dropped"):
        assert rows_of(whole, stem) == rows_of(parts, stem)
    assert same_bytes(whole / "funnel.json", parts / "funnel.json")
