"""Merges the line counts of all parts into each source's boilerplate lines."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..cleaning.boilerplate import merge_line_counts
from ..cleaning.boilerplate_config import BoilerplateConfig
from .step import Step

MERGED = "boilerplate"


class MergeLines(Step):
    """Reads what ``CountLines`` wrote below the folder; one task for the whole corpus."""

    name = "merge lines"

    def __init__(self, folder: Path, config: BoilerplateConfig) -> None:
        super().__init__()
        self.folder = folder
        self.config = config

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield the documents, if there are any, and write the lines."""
        del rank
        yield from documents
        merge_line_counts(self.folder.glob("part-*"), self.folder / MERGED, self.config)
