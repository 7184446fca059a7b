"""Reads back what an earlier stage wrote for one part."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..document import from_row
from ..meter import Meter
from ..row_file import part_files, read_row_file
from .step import Step


class ReadPart(Step):
    """Yields every document of ``part-<rank>-*.parquet``, the dropped ones with their marks."""

    name = "read part"

    def __init__(self, folder: Path, *, meters: Path) -> None:
        super().__init__()
        self.folder = folder
        self.meters = meters

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield the documents in the order in which they were written."""
        yield from documents
        num_bytes = 0
        with Meter(self.meters, rank=rank) as meter:
            for file in part_files(self.folder, "part", rank=rank):
                for row in read_row_file(file):
                    yield from_row(row)
                num_bytes += file.stat().st_size
                meter.at(num_bytes)
