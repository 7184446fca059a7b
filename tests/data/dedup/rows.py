"""Rows of chosen signatures, for tests of pairs and clusters."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from lokal.data.dedup.config import DedupConfig
from lokal.data.dedup.row_store import PartWriter, RowStore
from lokal.data.dedup.signature import Signed
from numpy.typing import NDArray

CONFIG = DedupConfig(num_permutations=12, num_bands=4, band_rows=3)


def write_rows(
    folder: Path,
    signatures_RP: NDArray[np.uint16],
    *,
    texts: list[int] | None = None,
    parts: tuple[int, ...] = (),
) -> RowStore:
    """Write the rows, cut into parts before the given ones; equal numbers in texts: equal texts."""
    numbers = np.arange(len(signatures_RP)) if texts is None else np.array(texts)
    digests_R2 = np.column_stack([numbers + 1, numbers + 7]).astype(np.uint64)
    bands = signatures_RP.reshape(len(signatures_RP), CONFIG.num_bands, CONFIG.band_rows)
    keys_RB = (bands.astype(np.uint64) @ np.array([1, 2**16, 2**32], dtype=np.uint64)) + np.uint64(
        1
    )
    edges = [0, *parts, len(signatures_RP)]
    for rank, (start, end) in enumerate(pairwise(edges)):
        with PartWriter(folder, rank=rank, config=CONFIG) as writer:
            signed = Signed(digests_R2[start:end], signatures_RP[start:end], keys_RB[start:end].T)
            if end > start:
                writer.write(signed, ids=[f"id {row}" for row in range(start, end)])
    return RowStore(folder, num_parts=len(edges) - 1)
