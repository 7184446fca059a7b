"""How many personal values the rules find, and how much else, by region and type.

Run: ``python benchmarks/pii.py --data <folder>``; the folder holds
``<source>/<language>.jsonl.gz`` with ``id`` and ``text``. Reads tests/data/pii too. ``--show``
prints each hit in its context: those are real people's values, so keep the output to yourself.
The figures stand in docs/decisions/pii.md.
"""

import argparse
import gzip
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lokal.data.pii.find import Hit, find_pii
from lokal.data.pii.registry import rules_named
from lokal.data.pii.rule import Rule
from lokal.data.region import load_region
from scipy.stats import binomtest

MADE_UP = Path(__file__).parent.parent / "tests/data/pii"
REGIONS = ("id", "hi", "tl", "en")
RIGHT = ("person", "organisation")
"""Verdicts in labels.jsonl for a value that somebody uses; any other hit is ``wrong``."""


class RealHit(NamedTuple):
    """One hit in a corpus; only its key leaves the machine."""

    key: str
    """SHA-256 of source, row, place and rule, cut to 16 digits; the value is not in it."""
    source: str
    rule: str
    context: str


def main() -> None:
    """Print the tables for recall, look-alikes, real hits and speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--show", action="store_true", help="print each real hit in its context")
    arguments = parser.parse_args()
    labels = {row["key"]: row["verdict"] for row in _rows(MADE_UP / "labels.jsonl")}
    for code in REGIONS:
        rules = rules_of(code)
        print_recall(code, rules)
        wrong, num_rows = count_lookalikes(code, rules)
        print(f"{code}: {wrong} hits in {num_rows} sentences of look-alikes")
        hits, size_bytes, seconds = find_in_corpora(code, rules, folder=arguments.data)
        print(f"{code}: {size_bytes / seconds / 1e6:.1f} MB/s over {size_bytes / 1e6:.1f} MB")
        print_precision(code, hits, labels=labels, wrong=wrong)
        if arguments.show:
            for hit in hits:
                print(f"{hit.key}\t{hit.rule}\t{hit.source}\t{labels.get(hit.key)}\t{hit.context}")


def rules_of(code: str) -> list[Rule]:
    """Return the rules of the region."""
    return rules_named(load_region(code).pii, region=code)


def is_found(row: dict[str, str], hits: list[Hit]) -> bool:
    """Return whether a hit of the right type covers just the letters and digits of the value."""
    text, start, end = row["text"], int(row["start"]), int(row["end"])
    return any(
        hit.rule.name == row["type"] and _core(text, hit.start, hit.end) == _core(text, start, end)
        for hit in hits
    )


def _core(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not text[start].isalnum():
        start += 1
    while start < end and not text[end - 1].isalnum():
        end -= 1
    return start, end


def print_recall(code: str, rules: list[Rule]) -> None:
    """Print found of all by type, for the region's own values and the universal ones."""
    for name in ("positives", "second", "third"):
        rows = list(_rows(MADE_UP / f"{name}_{code}.jsonl"))
        rows += [row for row in _rows(MADE_UP / f"{name}_universal.jsonl") if row["lang"] == code]
        found, total = Counter[str](), Counter[str]()
        for row in rows:
            total[row["type"]] += 1
            found[row["type"]] += is_found(row, find_pii(row["text"], rules))
        for kind in total:
            print(f"| {code} | {name} | {kind} | {found[kind]} / {total[kind]} |")
        print(f"| {code} | {name} | all | {_share(found.total(), total.total())} |")


def count_lookalikes(code: str, rules: list[Rule]) -> tuple[int, int]:
    """Return hits and sentences."""
    wrong = num_rows = 0
    for row in _rows(MADE_UP / f"lookalikes_{code}.jsonl"):
        hits = find_pii(row["text"], rules)
        for hit in hits:
            print(f"  false: {hit.rule.name} in {row['text']}")
        wrong += len(hits)
        num_rows += 1
    return wrong, num_rows


def find_in_corpora(
    code: str, rules: list[Rule], *, folder: Path
) -> tuple[list[RealHit], int, float]:
    """Return the hits in all files of the language, their size in bytes, and seconds."""
    hits: list[RealHit] = []
    size_bytes, seconds = 0, 0.0
    for path in sorted(folder.glob(f"*/{code}.jsonl.gz")):
        rows = list(_rows(path))
        start = time.perf_counter()
        found = [find_pii(row["text"], rules) for row in rows]
        seconds += time.perf_counter() - start
        for row, row_hits in zip(rows, found, strict=True):
            size_bytes += len(row["text"].encode())
            hits += [_real_hit(row, hit, source=path.parent.name) for hit in row_hits]
    return hits, size_bytes, seconds


def _real_hit(row: dict[str, str], hit: Hit, *, source: str) -> RealHit:
    text, name = row["text"], hit.rule.name
    place = f"{source}\t{row['id']}\t{hit.start}\t{hit.end}\t{name}"
    before, after = text[max(0, hit.start - 50) : hit.start], text[hit.end : hit.end + 30]
    context = f"{before}[[{text[hit.start : hit.end]}]]{after}"
    key = hashlib.sha256(place.encode()).hexdigest()[:16]
    return RealHit(key, source, name, " ".join(context.split()))


def print_precision(code: str, hits: list[RealHit], *, labels: dict[str, str], wrong: int) -> None:
    """Print the hits by rule, and the share of right ones, also with hits in look-alikes."""
    right = sum(labels.get(hit.key) in RIGHT for hit in hits)
    unlabelled = sum(hit.key not in labels for hit in hits)
    for rule, number in sorted(Counter(hit.rule for hit in hits).items()):
        good = sum(hit.rule == rule and labels.get(hit.key) in RIGHT for hit in hits)
        print(f"| {code} | {rule} | {number} real hits | {good} right |")
    print(f"{code}: real hits right: {_share(right, len(hits))}; without a label: {unlabelled}")
    print(f"{code}: real hits and look-alikes: {_share(right, len(hits) + wrong)}")


def _share(part: int, whole: int) -> str:
    if not whole:
        return "0 / 0"
    low, high = binomtest(part, whole).proportion_ci(method="wilson")
    return f"{part} / {whole} = {part / whole:.3f} (Wilson 95 %: {low:.3f}-{high:.3f})"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if path.exists():
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        yield from (json.loads(line) for line in text.splitlines())


if __name__ == "__main__":
    main()
