"""Where the training rows of finished corpora come from: rows by language, source and licence."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from .manifest import Json, read_manifest

_COLUMNS = ["lang", "source", "licence"]


class SourceRows(NamedTuple):
    """The training rows of one source that are under one licence."""

    language: str
    source: str
    licence: str
    rows: int
    origin: str
    """Page of the data; empty where the corpus does not tell."""


def count_sources(corpora: Sequence[Path], sources: Collection[str]) -> list[SourceRows]:
    """Return the rows of the named sources, in the order of language, source and licence."""
    counts: Counter[tuple[str, str, str]] = Counter()
    origins: dict[str, str] = {}
    for corpus in corpora:
        origins |= _origins(corpus)
        for path in sorted(corpus.glob("train-*.parquet")):
            counts += _count(path, sources)
    return [
        SourceRows(*names, rows=rows, origin=origins.get(names[1], ""))
        for names, rows in sorted(counts.items())
    ]


def _count(path: Path, sources: Collection[str]) -> Counter[tuple[str, str, str]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    with pq.ParquetFile(path) as table:
        for group in range(table.num_row_groups):
            rows = table.read_row_group(group, columns=_COLUMNS)
            rows = rows.filter(pc.field("source").isin(list(sources)))
            for row in rows.group_by(_COLUMNS).aggregate([([], "count_all")]).to_pylist():
                counts[row["lang"], row["source"], row["licence"]] += row["count_all"]
    return counts


def _origins(corpus: Path) -> dict[str, str]:
    """Return each source's page, as the settings of the corpus name it."""
    manifest = read_manifest(corpus)
    named = manifest.config.get("corpus") if manifest is not None else None
    sources: Json = named.get("sources") if isinstance(named, dict) else None
    if not isinstance(sources, dict):
        return {}
    return {
        name: str(source["url"])
        for name, source in sources.items()
        if isinstance(source, dict) and source.get("url")
    }
