"""Writes the corpus: training rows, held-out rows, dropped rows, and their counts."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from datatrove.data import Document

from ..document import CORPUS_SCHEMA, DROPPED_SCHEMA, metadata_of, to_row
from ..funnel import Funnel
from ..manifest import write_json
from ..row_file import RowWriter
from .step import Step

_SCHEMAS = {"train": CORPUS_SCHEMA, "heldout": CORPUS_SCHEMA, "dropped": DROPPED_SCHEMA}


class WriteCorpus(Step):
    """Writes ``train-*``, ``heldout-*`` and ``dropped-*.parquet``, and the counts of the funnel."""

    name = "write corpus"

    def __init__(self, folder: Path, *, counts: Path, heldout_share: float, seed: int) -> None:
        super().__init__()
        self.folder = folder
        self.counts = counts
        self.heldout_share = heldout_share
        self.seed = seed

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document after it is written; write the counts at the end."""
        del rank
        funnel = Funnel()
        with ExitStack() as stack:
            writers = {
                fate: stack.enter_context(RowWriter(self.folder, stem=fate, schema=schema))
                for fate, schema in _SCHEMAS.items()
            }
            for document in documents:
                fate = self._fate(document)
                writers[fate].write(to_row(document))
                funnel.add(metadata_of(document), fate=fate)
                yield document
        write_json(self.counts, funnel.counts())

    def _fate(self, document: Document) -> str:
        if metadata_of(document)["reason"] is not None:
            return "dropped"
        held = is_held_out(document.id, share=self.heldout_share, seed=self.seed)
        return "heldout" if held else "train"


def is_held_out(row_id: str, *, share: float, seed: int) -> bool:
    """Return whether a row is kept out of training: by its id alone, alike in every language."""
    digest = sha256(f"{seed}:{row_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
