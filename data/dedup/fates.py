"""What became of the rows of clusters, on disk: sorted by row, so that a part reads its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .clusters import NEAR_DUPLICATE, NOT_DROPPED, SAME_TEXT, Clusters
from .row_store import RowStore

_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("kept_id", pa.string()),
        ("similarity", pa.float32()),
        ("cluster", pa.string()),
    ]
)
_REASONS = {NOT_DROPPED: None, SAME_TEXT: "same text", NEAR_DUPLICATE: "near duplicate"}
_ROWS_PER_GROUP = 2**14


class Fate(NamedTuple):
    """What is known of a row that is not alone."""

    row: int
    """Which of the part's signed rows."""
    reason: str | None
    """None for a row that stays."""
    kept_id: str
    """Id of the row that stays in its place."""
    similarity: float
    """Estimated Jaccard similarity to that row."""
    cluster: str
    """Id of the cluster's first row."""


def write_fates(
    folder: Path, store: RowStore, clusters: Clusters, *, num_permutations: int
) -> None:
    """Write one file for each part into the folder."""
    edges = np.searchsorted(clusters.rows_M, store.part_starts).tolist()
    for part, first_row in enumerate(store.part_starts[:-1]):
        with (folder / f"part-{part:05d}.parquet").open("wb") as stream:
            with pq.ParquetWriter(stream, _SCHEMA, compression="zstd") as writer:
                for start in range(edges[part], edges[part + 1], _ROWS_PER_GROUP):
                    end = min(start + _ROWS_PER_GROUP, edges[part + 1])
                    chunk = clusters.slice(start, end)
                    writer.write_table(
                        _table(store, chunk, first_row=first_row, places=num_permutations)
                    )
            stream.flush()
            os.fsync(stream.fileno())


def read_fates(folder: Path, *, part: int) -> Iterator[Fate]:
    """Yield what is known of the part's rows, in their order."""
    with pq.ParquetFile(folder / f"part-{part:05d}.parquet") as file:
        for batch in file.iter_batches(batch_size=_ROWS_PER_GROUP):
            columns = (batch.column(name).to_pylist() for name in _SCHEMA.names)
            for values in zip(*columns, strict=True):
                yield Fate(*values)


def _table(store: RowStore, chunk: Clusters, *, first_row: int, places: int) -> pa.Table:
    rows = np.unique(np.concatenate([chunk.kept_M, chunk.first_M]))
    ids = pa.array(store.ids_of(rows), pa.string())
    reasons = pa.array([_REASONS[fate] for fate in sorted(_REASONS)], pa.string())
    same = (chunk.equal_M < 0) | (chunk.fate_M == NOT_DROPPED)
    columns = [
        pa.array(chunk.rows_M - first_row),
        reasons.take(pa.array(chunk.fate_M)),
        ids.take(pa.array(np.searchsorted(rows, chunk.kept_M))),
        pa.array(np.where(same, 1.0, chunk.equal_M / places).astype(np.float32)),
        ids.take(pa.array(np.searchsorted(rows, chunk.first_M))),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)
