"""Writes one part of the corpus: training rows, held-out rows, dropped rows, and their counts."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from datatrove.data import Document

from ..document import CORPUS_SCHEMA, DROPPED_SCHEMA, is_dropped, metadata_of, to_row
from ..funnel import Funnel
from ..manifest import write_json
from ..row_file import RowWriter, remove_part
from .step import Step

_SCHEMAS = {"train": CORPUS_SCHEMA, "heldout": CORPUS_SCHEMA, "dropped": DROPPED_SCHEMA}


class WriteCorpus(Step):
    """Writes ``train-<rank>-*``, ``heldout-*`` and ``dropped-*.parquet``, and ``<rank>.json``."""

    name = "write corpus"

    def __init__(self, folder: Path, *, counts: Path) -> None:
        super().__init__()
        self.folder = folder
        self.counts = counts

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document after it is written; write the counts at the end."""
        funnel = Funnel()
        with ExitStack() as stack:
            writers: dict[str, RowWriter] = {}
            for fate, schema in _SCHEMAS.items():
                remove_part(self.folder, fate, rank=rank)
                writer = RowWriter(self.folder, stem=f"{fate}-{rank:05d}", schema=schema)
                writers[fate] = stack.enter_context(writer)
            for document in documents:
                fate = _fate(document)
                writers[fate].write(to_row(document))
                funnel.add(metadata_of(document), fate=fate)
                yield document
        self.counts.mkdir(parents=True, exist_ok=True)
        write_json(self.counts / f"{rank:05d}.json", funnel.to_json())


def _fate(document: Document) -> str:
    if is_dropped(document):
        return "dropped"
    return "heldout" if metadata_of(document)["held_out"] else "train"
