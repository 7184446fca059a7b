"""Shipped translations are scored beside their recording, and no training text has them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from lokal.data.config_files import read_config
from lokal.data.manifest import Json
from lokal.data.sample_files import resolve_sample
from lokal.data.suite import load_suite
from lokal.evaluation.formats.translation import FORMAT
from lokal.evaluation.generations import Part
from lokal.evaluation.items import find_items, read_items, read_lines
from lokal.evaluation.recorded import read_recording, recording_path
from lokal.evaluation.reply import State
from lokal.evaluation.settings import BaselineConfig

SUITE = load_suite("flores_sample_from_en")


@pytest.mark.parametrize(
    ("language", "chrf", "num_empty"),
    # As measured; sacrebleu without our normalisation of the danda gives 0.4359 for Hindi.
    [("id", 0.6806, 0), ("hi", 0.4367, 22), ("tl", 0.5969, 0)],
)
def test_the_recorded_translations_score_as_measured(
    language: str, chrf: float, num_empty: int
) -> None:
    baseline = BaselineConfig(**read_config("baseline", "flores_sample_gpt35"))  # pyright: ignore[reportArgumentType]
    items = read_items(SUITE, split="test", language=language)
    path = find_items(SUITE, split="test", language=language, items_root=None)
    part = Part("flores", SUITE, "test", language, items, path, "key")
    replies = read_recording(baseline, part, path=recording_path(baseline, language), system="gpt")
    counts = [FORMAT.corpus.statistics(a, b.reply) for a, b in zip(items, replies, strict=True)]
    assert FORMAT.corpus.score(np.sum(counts, axis=0).tolist()) == pytest.approx(chrf, abs=5e-5)
    assert sum(reply.state is State.empty for reply in replies) == num_empty


def test_no_shipped_training_text_is_a_shipped_translation_item() -> None:
    held = resolve_sample("sample:flores200/flores200_devtest.jsonl.gz")
    texts = {
        str(row[f"text_{code}"]).strip()
        for row in rows_of(held)
        for code in ("en", "id", "hi", "tl")
    }
    assert len(texts) == 800
    for path in held.parent.parent.rglob("*.jsonl*"):
        if path != held and "recorded" not in path.parts:
            values = {str(value).strip() for row in rows_of(path) for value in row.values()}
            assert not texts & values, path


def rows_of(path: Path) -> Iterator[dict[str, Json]]:
    for _, line in read_lines(path):
        yield json.loads(line)
