"""Whether every known overlap of training files with benchmarks is found, and how fast.

Run: ``python benchmarks/decontamination.py --data FOLDER``. The folder holds ``eval/``, ``sft/``
and ``corpora/`` as its SOURCES.md lists them, with the overlaps that it counts. Takes a minute.
The figures stand in docs/decisions/decontamination.md.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from lokal.data.cleaning.normalise import normalise_text
from lokal.data.config_files import config_names
from lokal.data.decontamination.deny_list import DenyList, build_deny_list
from lokal.data.decontamination.held_items import DecontaminateConfig, read_all_held_items
from lokal.data.decontamination.overlap import Overlap, find_overlaps
from lokal.data.matching import match_key
from lokal.data.suite import load_suite

Row = dict[str, object]
LANGUAGES = ["en", "id", "hi", "tl"]
_BATCH_CHARS = 2**18
_ABOUT_A_ROW = {"id", "lang", "benchmark", "task", "label", "doc", "domain", "en_parse", "cs_parse"}


class Case(NamedTuple):
    """One overlap that SOURCES.md counts."""

    training: str
    """Files with training rows: globs, with commas."""
    fields: list[str]
    """Fields of a training row that are compared."""
    items: str
    """File with items."""
    item_fields: list[str]
    suite: str
    counted: int
    """The figure in SOURCES.md."""
    inside: bool = False
    """An item need only contain the row's text."""
    by_item: bool = False
    """Items are counted; otherwise different texts."""


CASES = [
    *(
        Case("sft/tasks/flores200_dev/*", [f"text_{code}"], f"eval/sib200/{code}.jsonl", ["text"],
             "sib200", 77, by_item=True)
        for code in LANGUAGES
    ),
    Case("sft/tasks/flores200_dev/*", ["text_id"], "eval/belebele/id.jsonl.gz", ["context"],
         "belebele", 393, inside=True, by_item=True),
    *(
        Case(f"sft/tasks/sib200/{code}_{split}.*", ["text"], "eval/flores200/devtest.jsonl.gz",
             [f"text_{code}"], "flores200", counted, by_item=True)
        for split, counted in (("train", 264), ("dev", 41))
        for code in LANGUAGES
    ),
    Case("sft/tasks/indonlu_smsa/id_train*", ["text"], "eval/nusax_senti/id.jsonl", ["text"],
         "nusax_senti", 96, by_item=True),
    Case("sft/tasks/indonli/train*", ["premise"], "eval/indonli/test_lay.jsonl.gz", ["premise"],
         "indonli", 736),
    Case("corpora/ud_indonesian_gsd/id*", ["text"], "eval/indonli/test_lay.jsonl.gz", ["premise"],
         "indonli", 47),
    Case("sft/tasks/indonlu_facqa/id_train*", ["context", "question"],
         "eval/indonlu_facqa/id.jsonl", ["context", "question"], "indonlu_facqa", 175),
    Case("sft/tasks/indonlu_facqa/id_valid*", ["context", "question"],
         "eval/indonlu_facqa/id.jsonl", ["context", "question"], "indonlu_facqa", 61),
    Case("sft/tasks/hinglish_top/*", ["text_en", "text_cs"], "eval/hinglish_top/hi_latn.jsonl.gz",
         ["text_en", "text_cs"], "hinglish_top", 418),
    Case("sft/tasks/bhaav_emotion/*", ["text"], "eval/bhaav_emotion/hi.jsonl.gz", ["text"],
         "bhaav_emotion", 23),
    Case("corpora/hindi_sentences_midas/*", ["text"], "eval/bhaav_emotion/hi.jsonl.gz", ["text"],
         "bhaav_emotion", 23),
]  # fmt: skip


def main() -> None:
    """Print the table of known overlaps, what goes in each training file, and the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args().data
    heads = "counted there | counted here | found | kept by policy | missed"
    print(f"| training file | benchmark | {heads} | rows dropped | rows |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        print(line_of(case, data))
    with TemporaryDirectory() as folder:
        started = time.process_time()
        suites = sorted(config_names("suite"), key=lambda name: (name != "sib200", name))
        deny_list = deny_list_of(suites, data, Path(folder))
        facts = deny_list.facts
        num_items, unprotected = sum(facts.items.values()), facts.unprotected
        print(f"\n{len(suites)} suites, {num_items} items, {facts.num_phrases} phrases left out,")
        print(
            f"made in {time.process_time() - started:.1f} s. Too short or common: {unprotected}\n"
        )
        print("| text | rows | MB | MB/s | rows dropped | met most |")
        print("|---|---:|---:|---:|---:|---|")
        for code in ("id", "hi", "tl"):
            print(speed_of(code, data, deny_list))


def line_of(case: Case, data: Path) -> str:
    """Return the case's row of the table."""
    rows = [row for name in case.training.split(",") for row in rows_of(data, name)]
    texts = [text_of(row) for row in rows]
    with TemporaryDirectory() as folder:
        deny_list = deny_list_of([case.suite], data, Path(folder))
        overlaps = list(find_in(texts, deny_list))
    by_key: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for field in case.fields:
            by_key.setdefault(key_of(row[field]), []).append(number)
    counts: Counter[str] = Counter()
    for key, items in items_by_key(case, data).items():
        keys = [other for other in by_key if other in key] if case.inside else [key]
        numbers = sorted({number for other in keys for number in by_key.get(other, [])})
        if numbers:
            kinds = {fate(overlaps[number], rows[number], items, case) for number in numbers}
            worst = next(kind for kind in ("missed", "policy", "found") if kind in kinds)
            counts[worst] += len(items) if case.by_item else 1
    dropped = sum(overlap is not None for overlap in overlaps)
    return (
        f"| {case.training} {'/'.join(case.fields)} | {case.suite} | {case.counted} | "
        f"{counts.total()} | {counts['found']} | {counts['policy']} | {counts['missed']} | "
        f"{dropped} | {len(rows)} |"
    )


def fate(overlap: Overlap | None, row: Row, items: Sequence[Row], case: Case) -> str:
    """Return what became of a row that shares a text with these items.

    Kept by policy: the suite asks for two fields, and no item has both in the row.
    """
    if overlap is not None:
        return "found"
    row_keys = {key_of(value) for value in row.values()}
    for fields in load_suite(case.suite).protect:
        for item in items:
            if all(key_of(item[field]) in row_keys for field in fields.split("+")):
                return "missed"
    return "policy" if any("+" in fields for fields in load_suite(case.suite).protect) else "missed"


def items_by_key(case: Case, data: Path) -> dict[str, list[Row]]:
    """Return the items that hold each text of more than 25 characters."""
    items: dict[str, list[Row]] = {}
    for row in rows_of(data, case.items):
        for field in case.item_fields:
            key = key_of(row[field])
            if len(key) > 25:
                items.setdefault(key, []).append(row)
    return items


def speed_of(code: str, data: Path, deny_list: DenyList) -> str:
    """Return what is dropped in a language's corpora, and how fast that is found."""
    texts = [normalise_text(str(row["text"])) for row in rows_of(data, f"corpora/*/{code}.*")]
    num_bytes = sum(len(text.encode()) for text in texts)
    started = time.process_time()
    overlaps = [overlap for overlap in find_in(texts, deny_list) if overlap is not None]
    seconds = time.process_time() - started
    counts = Counter(f"{overlap.suite} {overlap.split}" for overlap in overlaps)
    most = ", ".join(f"{name} {number}" for name, number in counts.most_common(4))
    size_mb = num_bytes / 1e6
    return (
        f"| corpora {code} | {len(texts)} | {size_mb:.1f} | {size_mb / seconds:.1f} "
        f"| {len(overlaps)} | {most} |"
    )


def find_in(texts: Sequence[str], deny_list: DenyList) -> Iterator[Overlap | None]:
    """Yield what each text shares, some texts at a time as the step does it."""
    batch: list[str] = []
    num_chars = 0
    for text in texts:
        batch.append(text)
        num_chars += len(text)
        if num_chars > _BATCH_CHARS:
            yield from find_overlaps(batch, deny_list)
            batch, num_chars = [], 0
    yield from find_overlaps(batch, deny_list)


def deny_list_of(suites: list[str], data: Path, folder: Path) -> DenyList:
    """Return a deny list of these suites alone, kept in the folder."""
    config = DecontaminateConfig(suites=suites, items_root=str(data / "eval"))
    build_deny_list(read_all_held_items(config), folder / "list")
    return DenyList.open(folder / "list")


def rows_of(data: Path, pattern: str) -> Iterator[Row]:
    """Yield the rows of all files with such a name."""
    for path in sorted(data.glob(pattern)):
        open_file: Callable = gzip.open if path.suffix == ".gz" else open
        with open_file(path, "rt", encoding="utf-8", newline="\n") as lines:
            yield from map(json.loads, lines)


def text_of(row: Row) -> str:
    """Return a task row's text: all its fields with text, a line each."""
    texts = [text for name, text in row.items() if name not in _ABOUT_A_ROW]
    return normalise_text("\n".join(text for text in texts if isinstance(text, str)))


def key_of(text: object) -> str:
    """Return what is compared when overlaps are counted."""
    return match_key(str(text))


if __name__ == "__main__":
    main()
