"""``lokal finetune`` with a mix: two corpora, tokens by language, the realised mix written down."""

import contextlib
import io
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from lokal.data.manifest import read_manifest, write_manifest
from lokal.recipes.finetune import finetune


@pytest.fixture(scope="module")
def english(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a second finished corpus: the plain texts of the first, said to be English."""
    folder = tmp_path_factory.mktemp("english") / "en"
    folder.mkdir()
    table = pq.read_table(tiny_corpus / "train-00000.parquet").slice(12)
    table = table.set_column(table.column_names.index("lang"), "lang", [["en"] * 3])
    pq.write_table(table, folder / "train-00000.parquet")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_manifest(
        folder, recipe="prepare", key="en", config={}, inputs=[], licences=["CC0-1.0"],
        started_at=now, finished_at=now,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mixed")


def run(root: Path, model: Path, corpora: tuple[Path, Path], *words: str) -> tuple[int, str]:
    command = [
        "name=mixed", f"root={root}", "region=id", "model=local", f"model.path={model}",
        f"corpus_folder={corpora[0]}", f"mix.folders=[{corpora[1]}]", "mix.enabled=true",
        "~sources.sib200-train", "+sources.task=1", "+sources.text=1", "stage.plain_text=true",
        "training.precision=fp32",
        "training.rows_per_step=4", "training.max_steps=2", "tokens.layout=packed",
        "+mix.languages.id=0.6", "+mix.languages.en=0.4", *words,
    ]  # fmt: skip
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        code = finetune.main(command)
    return code, printed.getvalue()


def test_trains_on_the_mix_and_writes_what_it_really_held(
    root: Path, tiny_llama_folder: Path, tiny_corpus: Path, english: Path
):
    code, printed = run(
        root, tiny_llama_folder, (tiny_corpus, english), "mix.tokens=1000", "mix.max_repeats=9"
    )
    assert code == 0, printed
    tokens = read_manifest(root / "mixed" / "tokens" / "id")
    model = read_manifest(root / "mixed" / "model")
    assert tokens is not None
    assert model is not None
    portions: Any = tokens.counts["mix"]
    assert model.counts["mix"] == portions
    by_language = {"id": 0, "en": 0}
    for portion in portions:
        by_language[portion["language"]] += portion["tokens"]
    assert by_language["en"] / sum(by_language.values()) == pytest.approx(0.4, abs=0.08)
    assert "CC0-1.0" in model.licences
    assert "tokens an epoch, each row" in (root / "mixed" / "model" / "README.md").read_text()
    shutil.rmtree(root / "mixed")


def test_a_mix_that_cannot_be_met_stops_with_the_numbers_before_training(
    root: Path, tiny_llama_folder: Path, tiny_corpus: Path, english: Path
):
    code, printed = run(root, tiny_llama_folder, (tiny_corpus, english), "mix.tokens=1000000")
    assert code == 2
    assert "the mix cannot be met: " in printed.splitlines()[-1]
    assert "of 1,000,000 tokens an epoch" in printed
    assert not (root / "mixed" / "model").exists()
