import random
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

import pytest
from datatrove.data import Document
from lokal.data.dedup.config import DedupConfig
from lokal.data.dedup.signature import duplicate_key
from lokal.data.document import is_dropped, metadata_of, new_document
from lokal.data.errors import RunError
from lokal.data.region import load_region
from lokal.data.steps.find_clusters import FindClusters
from lokal.data.steps.find_pairs import FindPairs
from lokal.data.steps.sign_rows import SignRows
from lokal.data.steps.split_clusters import SplitClusters, is_held_out
from lokal.data.suite import load_suite, read_items

CONFIG = DedupConfig()


def document(text: str, *, id: str) -> Document:
    return new_document(id=id, text=text, lang="", source="s", licence="", url="")


def sign_parts(folder: Path, parts: Sequence[Sequence[Document]]) -> None:
    for rank, rows in enumerate(parts):
        assert list(SignRows(folder, CONFIG).stream(rows, rank=rank)) == list(rows)


def split(
    folder: Path, parts: Sequence[Sequence[Document]], *, heldout_share: float = 0.5
) -> list[Document]:
    """Run all steps, and return the rows."""
    sign_parts(folder, parts)
    for band in range(CONFIG.num_bands):
        list(FindPairs(folder, CONFIG, num_parts=len(parts)).stream([], rank=band))
    list(FindClusters(folder, CONFIG, num_parts=len(parts)).stream([], rank=0))
    step = SplitClusters(folder, heldout_share=heldout_share, seed=0)
    return [row for rank, rows in enumerate(parts) for row in step.stream(rows, rank=rank)]


def details(rows: Sequence[Document]) -> dict[str, tuple[str | None, str | None]]:
    return {row.id: (metadata_of(row)["reason"], metadata_of(row)["detail"]) for row in rows}


def grams(text: str) -> set[tuple[str, ...]]:
    words = duplicate_key(text).split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def jaccard(one: str, other: str) -> float:
    return len(grams(one) & grams(other)) / len(grams(one) | grams(other))


def plant(language: str, *, target: float, number: int) -> Iterator[tuple[str, str]]:
    """Yield documents of real sentences, each with a copy of about the target similarity."""
    generator = random.Random(7)
    items = read_items(load_suite("sib200"), split="train", language=load_region(language).code)
    sentences = [item.text.split() for item in items]
    while number:
        words = [word for _ in range(10) for word in generator.choice(sentences)]
        copy, similarity = list(words), 1.0
        for place in generator.sample(range(len(copy)), len(copy)):
            copy[place] = generator.choice(generator.choice(sentences))
            similarity = jaccard(" ".join(words), " ".join(copy))
            if similarity < target + 0.01:
                break
        if abs(similarity - target) <= 0.01:
            number -= 1
            yield " ".join(words), " ".join(copy)


@pytest.mark.parametrize("language", ["id", "hi", "tl"])
@pytest.mark.parametrize(("target", "num_dropped"), [(0.9, 40), (0.5, 0)])
def test_planted_copies_go_at_similarity_09_and_stay_at_05(
    tmp_path: Path, language: str, target: float, num_dropped: int
) -> None:
    pairs = list(plant(language, target=target, number=40))
    originals = [document(pair[0], id=f"original {row}") for row, pair in enumerate(pairs)]
    copies = [document(pair[1], id=f"copy {row}") for row, pair in enumerate(pairs)]
    split(tmp_path, [originals, copies])
    assert not any(map(is_dropped, originals))
    assert sum(map(is_dropped, copies)) == num_dropped
    for row, copy in enumerate(copies):
        detail = metadata_of(copy)["detail"]
        assert detail is None or detail.startswith(f"original {row} (0.")


def test_no_training_row_is_near_a_held_out_row(tmp_path: Path) -> None:
    texts = [
        text
        for language, target in product(["id", "hi", "tl"], [0.8, 0.75, 0.9])
        for pair in plant(language, target=target, number=15)
        for text in pair
    ]
    random.Random(0).shuffle(texts)
    rows = [document(text, id=f"row {row}") for row, text in enumerate(texts)]
    split(tmp_path, [rows[:100], rows[100:]])
    kept = [row for row in rows if not is_dropped(row)]
    sides = [
        [grams(row.text) for row in kept if metadata_of(row)["held_out"] is held]
        for held in (True, False)
    ]
    assert min(map(len, sides)) > 50
    nearest = max(len(one & other) / len(one | other) for one, other in product(*sides))
    assert nearest < 0.8
    kept_pairs = sum(metadata_of(row)["cluster"] != row.id for row in kept)
    assert kept_pairs > 20  # 0.8 and 0.75 leave pairs of which both rows stay, on one side


def test_verdicts_name_the_row_that_stays_and_the_similarity(tmp_path: Path) -> None:
    texts = ["Satu dua!", "क्‍षमा", "satu  dua", "क्षमा", "!!!", "???", "tiga"]
    rows = [document(text, id=str(number)) for number, text in enumerate(texts)]
    split(tmp_path, [rows[:3], [], rows[3:]])
    assert {id: fate for id, fate in details(rows).items() if fate[0]} == {
        "2": ("same text", "0 (1.00)"),
        "3": ("same text", "1 (1.00)"),
    }
    assert [metadata_of(row)["cluster"] for row in rows] == ["0", "1", "0", "1", "4", "5", "6"]
    assert metadata_of(rows[2])["step"] == "duplicate"


def test_rows_dropped_before_are_not_signed_and_do_not_shift_the_others(tmp_path: Path) -> None:
    rows = [document(text, id=f"r{n}") for n, text in enumerate(["a", "a", "b", "c", "b"])]
    metadata_of(rows[0])["reason"] = "no letters"
    split(tmp_path, [rows])
    assert [reason for reason, _ in details(rows).values()] == [
        *("no letters", None, None, None, "same text")
    ]
    assert details(rows)["r4"] == ("same text", "r2 (1.00)")


def test_a_row_that_is_alone_is_split_by_its_own_id_alike_in_all_languages(
    tmp_path: Path,
) -> None:
    sides = []
    for language in ("id", "hi", "tl"):
        items = read_items(load_suite("sib200"), split="train", language=language)[:200]
        rows = [document(f"{item.text} {number}", id=item.id) for number, item in enumerate(items)]
        split(tmp_path / language, [rows])
        sides.append([metadata_of(row)["held_out"] for row in rows])
        assert sides[-1] == [is_held_out(row.id, share=0.5, seed=0) for row in rows]
    assert sides[0] == sides[1] == sides[2]
    assert 60 < sum(sides[0]) < 140


def test_fates_do_not_depend_on_where_parts_begin(tmp_path: Path) -> None:
    texts = [text for pair in plant("tl", target=0.85, number=30) for text in pair]

    def fates(*edges: int) -> list[tuple[str | None, str | None]]:
        rows = [document(text, id=str(number)) for number, text in enumerate(texts)]
        cuts = [0, *edges, len(rows)]
        parts = [rows[start:end] for start, end in pairwise(cuts)]
        return list(details(split(tmp_path / str(edges), parts)).values())

    whole = fates()
    assert fates(1, 1, 17, 40) == whole
    assert any(reason for reason, _ in whole)


def test_a_killed_task_leaves_nothing_that_is_read_and_a_new_start_the_same_bytes(
    tmp_path: Path,
) -> None:
    rows = [document(f"satu dua tiga empat lima enam {n}", id=str(n)) for n in range(50)]

    def breaking() -> Iterator[Document]:
        yield from rows[:20]
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        list(SignRows(tmp_path, CONFIG).stream(breaking(), rank=0))
    with pytest.raises(RunError, match=r"part-00000 is missing: run the task of this part again"):
        list(FindPairs(tmp_path, CONFIG, num_parts=1).stream([], rank=0))
    sign_parts(tmp_path, [rows])
    with pytest.raises(RunError, match=r"band-000.npy is missing: run the task of this band again"):
        list(FindClusters(tmp_path, CONFIG, num_parts=1).stream([], rank=0))

    def all_bytes() -> dict[str, bytes]:
        split(tmp_path, [[document(row.text, id=row.id) for row in rows]])
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        assert not [path for path in files if ".tmp" in str(path.relative_to(tmp_path))]
        return {str(path): path.read_bytes() for path in files}

    assert all_bytes() == all_bytes()


def test_a_corpus_without_a_row_passes(tmp_path: Path) -> None:
    assert split(tmp_path, [[], []]) == []


def test_a_very_long_row_is_found_by_a_copy_with_few_changes(tmp_path: Path) -> None:
    words = [f"kata{number}" for number in range(150_000)]
    copy = [*words[:70_000], "lain", *words[70_001:]]
    rows = [document(" ".join(text), id=str(n)) for n, text in enumerate((words, copy))]
    split(tmp_path, [rows])
    assert details(rows)["1"] == ("near duplicate", "0 (1.00)")
