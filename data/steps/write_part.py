"""Writes what the gates made of one part, kept and dropped rows alike."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..document import DROPPED_SCHEMA, to_row
from ..row_file import RowWriter
from .step import Step


class WritePart(Step):
    """Writes ``part-<rank>-*.parquet`` into the folder."""

    name = "write part"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document after it is written."""
        stem = f"part-{rank:05d}"
        for left_over in self.folder.glob(f"{stem}-*"):
            left_over.unlink()
        with RowWriter(self.folder, stem=stem, schema=DROPPED_SCHEMA) as writer:
            for document in documents:
                writer.write(to_row(document))
                yield document
