"""Labelled rows for the benchmarks of detectors: reading them, halving them, and counting."""

import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lokal.evaluation.statistics.interval import wilson_interval


class Counts(NamedTuple):
    """How often a detector spoke, and was right."""

    both: int
    """Labelled, and found."""
    found: int
    labelled: int
    rows: int

    @property
    def precision(self) -> float:
        """Return the part of what was found that is labelled."""
        return self.both / max(1, self.found)

    @property
    def recall(self) -> float:
        """Return the part of what is labelled that was found."""
        return self.both / max(1, self.labelled)

    def cells(self) -> str:
        """Return rows, labelled rows, precision and recall with their 95 % Wilson intervals."""
        parts = [f"{self.rows} | {self.labelled}"]
        for number, total in ((self.both, self.found), (self.both, self.labelled)):
            parts.append(share(number, total))
        return " | ".join(parts)


def count(pairs: Iterable[tuple[bool, bool]]) -> Counts:
    """Return the counts of pairs of found and labelled."""
    rows = list(pairs)
    return Counts(
        both=sum(found and labelled for found, labelled in rows),
        found=sum(found for found, _ in rows),
        labelled=sum(labelled for _, labelled in rows),
        rows=len(rows),
    )


def share(number: int, total: int) -> str:
    """Return a share with its 95 % Wilson interval, or a dash where there is nothing to count."""
    if not total:
        return "–"
    made = wilson_interval(number, num_items=total, confidence=0.95)
    return f"{number / total:.3f} ({made.low:.2f}–{made.high:.2f})"


def half_of(key: str) -> int:
    """Return which half of the rows this is: 0 was seen while writing the rules, 1 was not."""
    return hashlib.blake2b(key.encode(), digest_size=8).digest()[-1] & 1


def read_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a JSON Lines file, packed or not."""
    path = file if file.is_file() else file.with_name(f"{file.name}.gz")
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]
