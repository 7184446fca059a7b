"""The items written for lokal: many of each kind, in their language, none twice or trained on."""

import gzip
import json
import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from lokal.data.language.detect import Detector
from lokal.data.language.lexicon import Lexicons
from lokal.data.manifest import Json
from lokal.data.region import load_region
from lokal.data.sample_files import resolve_sample
from lokal.data.scripts import count_letters
from lokal.data.suite import load_suite
from lokal.evaluation.items import read_items

SAMPLES = resolve_sample("sample:SOURCES.md").parent
OURS = ("scenarios", "benign", "fidelity")
FILES = [
    ("benign", "en"),
    *((folder, code) for folder in OURS for code in ("id", "hi", "tl")),
]
REVIEW = "native speaker pending"

USES = {"shopping", "small_business", "knowledge", "chat"}
VARIETIES = {
    "id": {"standard", "formal", "jakartan"},
    "hi": {"standard", "formal", "hinglish"},
    "tl": {"standard", "formal", "taglish"},
}
# What each region was asked for: the main use, how many, and of these in the mixed variety.
MAIN = {
    "id": ("shopping", "jakartan"),
    "hi": ("small_business", "hinglish"),
    "tl": ("chat", "taglish"),
}
# Above so much two prompts ask the same; prompts of one sentence form stay below 0.8.
MOST_ALIKE = {"scenarios": 0.3, "benign": 0.5, "fidelity": 0.8}
NUM_SHARED_WORDS = 8
PUNCTUATION = ".,;:!?।\"'()“”"
NUM_LETTERS_FOR_DETECTION = 40


def read(folder: str, code: str) -> list[dict[str, Json]]:
    path = SAMPLES / folder / f"{code}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def text(row: dict[str, Json], field: str) -> str:
    value = row[field]
    assert isinstance(value, str), (row["id"], field)
    return value


def prompt(row: dict[str, Json]) -> str:
    return text(row, "prompt")


def expect(row: dict[str, Json]) -> dict[str, Json]:
    found = row.get("expect", {})
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("code", ["id", "hi", "tl"])
def test_each_region_has_scenarios_of_its_main_use_and_variety(code: str) -> None:
    rows = read("scenarios", code)
    use, mixed = MAIN[code]
    main = [row for row in rows if row["use"] == use]
    assert len(rows) >= 70
    assert len(main) >= 25
    assert sum(row["variety"] == mixed for row in main) >= 10
    assert sum(row["kind"] == "search_question" for row in rows) >= 15
    assert {text(row, "use") for row in rows} == USES
    assert {text(row, "variety") for row in rows} == VARIETIES[code]


@pytest.mark.parametrize("code", ["id", "hi", "tl"])
def test_every_scenario_has_a_rubric_that_can_be_checked(code: str) -> None:
    for row in read("scenarios", code):
        rubric, points = row["rubric"], row["reference_points"]
        assert isinstance(rubric, list)
        assert isinstance(points, dict)
        assert 4 <= len(rubric) <= 6, row["id"]
        assert len(set(map(str, rubric))) == len(rubric), row["id"]
        assert set(points) == {"must", "must_not"}, row["id"]
        assert row["task"] == "open"
        assert set(expect(row)) == {"register", "script", "code_mix"}


@pytest.mark.parametrize(("folder", "least"), [("benign", 120), ("fidelity", 200)])
def test_there_are_enough_of_the_short_prompts(folder: str, least: int) -> None:
    for code in [code for name, code in FILES if name == folder]:
        rows = read(folder, code)
        assert len(rows) >= least
        if folder == "benign":
            assert {text(row, "prompt_label") for row in rows} == {"safe"}
            assert len({text(row, "topic") for row in rows}) >= 10
        else:
            kinds = Counter(text(row, "kind") for row in rows)
            assert set(kinds) == {"monolingual", "crosslingual"}
            assert min(kinds.values()) >= 50


@pytest.mark.parametrize(("folder", "code"), FILES)
def test_ids_and_prompts_are_unique_and_every_row_waits_for_a_native_reader(
    folder: str, code: str
) -> None:
    rows = read(folder, code)
    assert [row["id"] for row in rows] == [
        f"{folder}/{code}-{number:03d}" for number in range(1, len(rows) + 1)
    ]
    assert {text(row, "lang") for row in rows} == {code}
    assert {text(row, "review") for row in rows} == {REVIEW}
    assert len({prompt(row).casefold() for row in rows}) == len(rows)
    for row in rows:
        assert unicodedata.is_normalized("NFC", prompt(row)), row["id"]
        assert prompt(row) == " ".join(prompt(row).split()), row["id"]


@pytest.mark.parametrize(("folder", "code"), FILES)
def test_no_two_prompts_ask_nearly_the_same(folder: str, code: str) -> None:
    shingles = [(row["id"], letters(prompt(row))) for row in read(folder, code)]
    for (first, ours), (second, theirs) in combinations(shingles, 2):
        share = len(ours & theirs) / len(ours | theirs)
        assert share < MOST_ALIKE[folder], (first, second, round(share, 2))


@pytest.mark.parametrize(("folder", "code"), FILES)
def test_prompts_are_in_the_script_that_the_answer_is_wanted_in(folder: str, code: str) -> None:
    for row in read(folder, code):
        script = expect(row).get("script", "Deva" if code == "hi" else "Latn")
        if row.get("kind") == "crosslingual":
            script = "Latn"
        found = count_letters(prompt(row))
        # A size, a shop's English name or a command may stand in a Hindi prompt.
        assert found[str(script)] >= (0.7 if script == "Deva" else 1) * found.total(), row["id"]


@pytest.mark.parametrize(("folder", "code"), FILES)
def test_prompts_are_in_the_language(folder: str, code: str) -> None:
    detector = Detector(load_region(code), min_own_share=0.6, register_lists=[])
    for row in read(folder, code):
        if row.get("kind") == "crosslingual" or expect(row).get("code_mix"):
            continue
        finding = detector.judge(prompt(row), detector.read(prompt(row)))
        if count_letters(prompt(row)).total() >= NUM_LETTERS_FOR_DETECTION:
            assert finding.other == "", (row["id"], finding)


@pytest.mark.parametrize(
    ("code", "variety", "lists"),
    [
        ("id", "jakartan", ["jakartan"]),
        ("hi", "hinglish", ["hinglish"]),
        ("tl", "taglish", ["tl"]),
    ],
)
def test_mixed_varieties_sound_like_it(code: str, variety: str, lists: list[str]) -> None:
    words = Lexicons(lists)
    for row in read("scenarios", code):
        if row["variety"] == variety:
            read_words = words.read(prompt(row))
            assert all(read_words.hits(name) >= 1 for name in lists), row["id"]


def test_no_prompt_shares_a_run_of_words_with_the_training_samples() -> None:
    ours = {
        run: str(row["id"])
        for folder, code in FILES
        for row in read(folder, code)
        for run in runs(prompt(row))
    }
    for path in sorted(SAMPLES.rglob("*.jsonl*")):
        if path.parent.name in OURS:
            continue
        for line in text_of(path).splitlines():
            met = [ours[run] for run in runs(line) if run in ours]
            assert met == [], (path.name, met[0])


@pytest.mark.parametrize(("folder", "code"), FILES)
def test_every_row_can_be_asked_with_its_context_and_its_expectation(
    folder: str, code: str
) -> None:
    rows = read(folder, code)
    items = read_items(load_suite(folder), split="test", language=code)
    assert [item.id for item in items] == [row["id"] for row in rows]
    for item, row in zip(items, rows, strict=True):
        context = [text(row, "context")] if "context" in row else []
        assert [message["content"] for message in item.messages] == [*context, prompt(row)]
        assert item.category
        assert item.expect.register == expect(row).get("register")
        assert item.expect.code_mix == expect(row).get("code_mix", False)


@pytest.mark.parametrize("name", OURS)
def test_their_suites_keep_the_prompts_out_of_training(name: str) -> None:
    suite = load_suite(name)
    assert suite.protect == ["prompt"]
    assert suite.items == {"test": f"sample:{name}/{{region}}.jsonl"}
    assert suite.licence == "CC-BY-4.0"


def letters(words: str) -> set[str]:
    """Return the runs of four characters."""
    plain = " ".join(words.casefold().split())
    return {plain[start : start + 4] for start in range(len(plain) - 3)}


def runs(line: str) -> set[tuple[str, ...]]:
    """Return the runs of eight words."""
    # By white space: in Python's patterns a vowel sign of Devanagari ends a word.
    words = [word.strip(PUNCTUATION) for word in line.casefold().split()]
    starts = range(len(words) - NUM_SHARED_WORDS + 1)
    return {tuple(words[start : start + NUM_SHARED_WORDS]) for start in starts}


def text_of(path: Path) -> str:
    packed = path.read_bytes()
    return (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
