"""Counts in how many documents of its source each line is, for the boilerplate to be found."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..cleaning.boilerplate import LineCounts, counted_lines, write_index
from ..document import is_dropped, metadata_of
from .step import Step


class CountLines(Step):
    """Writes the counts of one part into ``part-<rank>``; the documents pass unchanged.

    Conversations, task rows and dropped rows are not counted, nor documents of one or two lines.
    """

    name = "count lines"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document after it is counted."""
        folder = self.folder / f"part-{rank:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.iterdir():
            left_over.unlink()
        counts: dict[str, LineCounts] = {}
        for document in documents:
            metadata = metadata_of(document)
            if not is_dropped(document) and has_lines(document):
                lines = counted_lines(document.text)
                if lines:
                    source = metadata["source"]
                    if source not in counts:
                        counts[source] = LineCounts(folder, stem=f"{len(counts):05d}")
                    counts[source].add(lines)
            yield document
        for count in counts.values():
            count.spill()
        index = {
            source: {"documents": count.documents, "files": count.files}
            for source, count in counts.items()
        }
        write_index(folder, index)


def has_lines(document: Document) -> bool:
    """Return whether the document is running text, whose lines can be boilerplate."""
    metadata = metadata_of(document)
    return metadata["messages"] is None and metadata["label"] is None
