"""Joins pairs to clusters and says which row of each stays: one task for the whole corpus."""

import shutil
from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path

from datatrove.data import Document

from ..dedup.array_file import open_array
from ..dedup.clusters import find_clusters
from ..dedup.config import DedupConfig
from ..dedup.fates import write_fates
from ..dedup.row_store import RowStore
from ..errors import RunError
from ..manifest import sync_folder
from .step import Step


class FindClusters(Step):
    """Writes what became of rows that are not alone to ``clusters/``, which appears whole.

    Holds 8 bytes for each row of the corpus, and some hundred for each row in a cluster.
    """

    name = "find clusters"

    def __init__(self, folder: Path, config: DedupConfig, *, num_parts: int) -> None:
        super().__init__()
        self.folder = folder
        self.config = config
        self.num_parts = num_parts

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield nothing new.

        Raises:
            RunError: a band's pairs are not there; its task was not run to its end.
        """
        yield from documents
        del rank
        config = self.config
        files = [self.folder / "pairs" / f"band-{band:03d}.npy" for band in range(config.num_bands)]
        for file in files:
            if not file.is_file():
                raise RunError(f"{file} is missing: run the task of this band again")
        store = RowStore(self.folder / "rows", num_parts=self.num_parts)
        min_equal = ceil(config.min_similarity * config.num_permutations)
        clusters = find_clusters(store, [open_array(file) for file in files], min_equal=min_equal)
        unfinished, finished = self.folder / ".clusters.tmp", self.folder / "clusters"
        for left_over in (unfinished, finished):
            shutil.rmtree(left_over, ignore_errors=True)
        unfinished.mkdir()
        write_fates(unfinished, store, clusters, num_permutations=config.num_permutations)
        unfinished.rename(finished)
        sync_folder(self.folder)
