"""Reads all parts back in the corpus' order, as one stream."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..document import from_row
from ..meter import Meter
from ..row_file import read_row_file
from .step import Step


class ReadParts(Step):
    """Yields every document of ``part-*.parquet``, the dropped ones with their marks."""

    name = "read parts"

    def __init__(self, folder: Path, *, meters: Path) -> None:
        super().__init__()
        self.folder = folder
        self.meters = meters

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield the documents, part by part."""
        yield from documents
        num_bytes = 0
        with Meter(self.meters, rank=rank) as meter:
            for file in sorted(self.folder.glob("part-*.parquet")):
                for row in read_row_file(file):
                    yield from_row(row)
                num_bytes += file.stat().st_size
                meter.at(num_bytes)
