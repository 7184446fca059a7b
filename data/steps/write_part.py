"""Writes what a stage made of one part, kept and dropped rows alike."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..document import PART_SCHEMA, metadata_of, to_row
from ..row_file import RowWriter, remove_part
from .step import Step


class WritePart(Step):
    """Writes ``part-<rank>-*.parquet`` into the folder."""

    name = "write part"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document after it is written."""
        remove_part(self.folder, "part", rank=rank)
        with RowWriter(self.folder, stem=f"part-{rank:05d}", schema=PART_SCHEMA) as writer:
            for document in documents:
                metadata_of(document)["num_chars"] = len(document.text)
                writer.write(to_row(document))
                yield document
