"""Signs the rows that stay so far, to find duplicates among all rows of the corpus later."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document

from ..dedup.config import DedupConfig
from ..dedup.row_store import PartWriter
from ..dedup.signature import duplicate_key, sign
from ..document import is_dropped
from .step import Step

_CHARS_AT_ONCE = 2**18
"""Many short rows in one call: numpy's and Rust's cost for a call is then small."""


class SignRows(Step):
    """Writes digest, signature and id of each row that is not dropped to ``rows/part-<rank>``."""

    name = "sign rows"

    def __init__(self, folder: Path, config: DedupConfig) -> None:
        super().__init__()
        self.folder = folder
        self.config = config

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document at once; of a conversation, ``text`` counts: all turns' text."""
        with PartWriter(self.folder / "rows", rank=rank, config=self.config) as writer:
            keys: list[str] = []
            ids: list[str] = []
            num_chars = 0
            for document in documents:
                if not is_dropped(document):
                    key = duplicate_key(document.text)
                    if keys and num_chars + len(key) > _CHARS_AT_ONCE:
                        writer.write(sign(keys, config=self.config), ids=ids)
                        keys, ids, num_chars = [], [], 0
                    keys.append(key)
                    ids.append(document.id)
                    num_chars += len(key)
                yield document
            if keys:
                writer.write(sign(keys, config=self.config), ids=ids)
