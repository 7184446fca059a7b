"""Drops the copies that ``FindClusters`` found, and holds whole clusters out of training."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from datatrove.data import Document

from ..dedup.fates import Fate, read_fates
from ..document import is_dropped, metadata_of
from .step import Gate, Verdict


class SplitClusters(Gate):
    """Judges the rows of part ``rank``, which must come as ``SignRows`` saw them."""

    name = "split clusters"
    step = "duplicate"

    def __init__(self, folder: Path, *, heldout_share: float, seed: int) -> None:
        super().__init__()
        self.folder = folder
        self.heldout_share = heldout_share
        self.seed = seed

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Judge the part's rows from its first one on."""
        self._fates = read_fates(self.folder / "clusters", part=rank)
        self._next = next(self._fates, None)
        self._row = 0
        yield from super().stream(documents, rank=rank)
        assert self._next is None, "there are fewer rows than were signed"

    def judge(self, document: Document) -> Verdict | None:
        """Return a verdict for a copy; for every row, write its cluster and side of the split."""
        assert not is_dropped(document)
        fate = self._fate()
        metadata = metadata_of(document)
        metadata["cluster"] = document.id if fate is None else fate.cluster
        if fate is not None and fate.reason is not None:
            return Verdict(fate.reason, f"{fate.kept_id} ({fate.similarity:.2f})")
        metadata["held_out"] = is_held_out(
            metadata["cluster"], share=self.heldout_share, seed=self.seed
        )
        return None

    def _fate(self) -> Fate | None:
        """Return what is known of the next row."""
        fate = self._next
        self._row += 1
        if fate is None or fate.row != self._row - 1:
            return None
        self._next = next(self._fates, None)
        return fate


def is_held_out(cluster: str, *, share: float, seed: int) -> bool:
    """Return whether a cluster is kept out of training.

    By the id of its first row alone: parallel texts with one id share their side in all languages.
    """
    digest = sha256(f"{seed}:{cluster}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
