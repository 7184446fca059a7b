"""Finds pairs of rows that are alike: one task for each band of the signatures."""

from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path

from datatrove.data import Document

from ..dedup.array_file import save_array
from ..dedup.config import DedupConfig
from ..dedup.pairs import find_pairs
from ..dedup.row_store import RowStore
from .step import Step


class FindPairs(Step):
    """Writes the confirmed pairs of band ``rank`` to ``pairs/band-<rank>.npy``.

    Holds 8 bytes for each row of the corpus, and about 100 for each row that shares its band.
    """

    name = "find pairs"

    def __init__(self, folder: Path, config: DedupConfig, *, num_parts: int) -> None:
        super().__init__()
        self.folder = folder
        self.config = config
        self.num_parts = num_parts

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield nothing new."""
        yield from documents
        store = RowStore(self.folder / "rows", num_parts=self.num_parts)
        pairs = find_pairs(
            store,
            band=rank,
            min_linked=ceil(self.config.min_linked * self.config.num_permutations),
            min_alike=ceil(self.config.min_similarity * self.config.num_permutations),
        )
        (self.folder / "pairs").mkdir(exist_ok=True)
        save_array(self.folder / "pairs" / f"band-{rank:03d}.npy", pairs)
