"""Which label a reply names, and that the rule gives the recordings' published figures."""

from pathlib import Path

import pytest
from lokal.data.suite import load_suite
from lokal.evaluation.generations import Part
from lokal.evaluation.items import read_items
from lokal.evaluation.label import extract_label
from lokal.evaluation.recorded import read_recording, recording_path
from lokal.evaluation.settings import BaselineConfig

LABELS = load_suite("sib200").labels


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("travel", "travel"),
        ("  Sports.\n", "sports"),
        ("This piece of news seems to be related to “Science/Technology”.", "science/technology"),
        ("It is about technology", "science/technology"),
        ("science and technology", "science/technology"),
        ("ｈｅａｌｔｈ", "health"),  # full width, NFKC
        ("यह health के बारे में है।", "health"),
        ("Paksa: politics po", "politics"),
        ("health or sports", None),
        ("traveller, sport, geographical, politics1", None),
        ("विषय: राजनीति", None),
        ("", None),
    ],
)
def test_a_reply_names_a_label_only_if_it_names_exactly_one(
    reply: str, expected: str | None
) -> None:
    assert extract_label(reply, LABELS) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("not-entailed", "not-entailed"),
        ("It is not-entailed.", "not-entailed"),
        ("entailed", "entailed"),
        ("entailed, not-entailed", None),
        ("Jawab: Entailed!", "entailed"),
    ],
)
def test_a_label_inside_another_does_not_count(reply: str, expected: str | None) -> None:
    assert extract_label(reply, ["entailed", "not-entailed"]) == expected


@pytest.mark.parametrize(
    ("model", "language", "right", "parsed"),
    [
        ("gpt-4", "id", 115, 126),
        ("gpt-4", "hi", 121, 131),
        ("gpt-4", "tl", 119, 131),
        ("gpt-3.5-turbo", "id", 112, 129),
        ("gpt-3.5-turbo", "hi", 102, 120),
        ("gpt-3.5-turbo", "tl", 109, 128),
    ],
)
def test_recordings_score_as_published(model: str, language: str, right: int, parsed: int) -> None:
    suite = load_suite("sib200")
    items = read_items(suite, split="test", language=language)
    part = Part("sib200", suite, "test", language, items, Path("test.jsonl"), "key")
    path = recording_path(baseline(model=model), language)
    replies = read_recording(baseline(model=model), part, path=path, system=model)
    answers = [extract_label(reply.reply, LABELS) for reply in replies]
    assert len(answers) == 163
    assert sum(answer is not None for answer in answers) == parsed
    pairs = zip(answers, items, strict=True)
    assert sum(answer == item.gold[0] for answer, item in pairs) == right


def baseline(*, model: str, path: str = "sample:recorded/sib200/{region}.jsonl") -> BaselineConfig:
    return BaselineConfig(
        label=model,
        suite="sib200",
        path=path,
        model=model,
        model_date="2023",
        shots=0,
        prompt_language="en",
        licence="Apache-2.0",
        source="https://example.org",
    )
