"""How long and in which language the rows are: counted column by column, never all in memory."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

LENGTH_EDGES = (0, 30, 60, 120, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)
"""Lower ends of the histogram's bins, in characters; the last one is open."""


@dataclass(slots=True)
class RowFigures:
    """Counts over all rows of a corpus."""

    kept_lengths: list[int] = field(default_factory=lambda: [0] * len(LENGTH_EDGES))
    dropped_lengths: list[int] = field(default_factory=lambda: [0] * len(LENGTH_EDGES))
    languages: Counter[str] = field(default_factory=Counter)
    """Rows by what the detector took them for, dropped ones included; empty where unsure."""
    registers: Counter[str] = field(default_factory=Counter)
    """Kept rows by register; empty for the plain language."""


def row_figures(corpus: Path) -> RowFigures:
    """Return the counts of a corpus' Parquet files."""
    figures = RowFigures()
    for stem in ("train", "heldout", "dropped"):
        for file in sorted(corpus.glob(f"{stem}-*.parquet")):
            _add_file(figures, file, is_kept=stem != "dropped")
    return figures


def _add_file(figures: RowFigures, file: Path, *, is_kept: bool) -> None:
    with pq.ParquetFile(file) as table:
        for group in range(table.num_row_groups):
            read = table.read_row_group(
                group, columns=["num_chars", "cld2_language", "register"], use_threads=False
            )
            lengths = np.asarray(read["num_chars"].to_numpy())
            bins = np.searchsorted(np.asarray(LENGTH_EDGES), lengths, side="right") - 1
            counts = np.bincount(bins, minlength=len(LENGTH_EDGES)).tolist()
            target = figures.kept_lengths if is_kept else figures.dropped_lengths
            target[:] = [old + new for old, new in zip(target, counts, strict=True)]
            figures.languages.update(read["cld2_language"].to_pylist())
            if is_kept:
                figures.registers.update(read["register"].to_pylist())
