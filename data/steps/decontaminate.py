"""Drops rows that share text with a benchmark's dev or test items, in any of its languages."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datatrove.data import Document

from ..decontamination.deny_list import DenyList
from ..decontamination.overlap import find_overlaps
from ..document import is_dropped, metadata_of
from ..preferences import num_shared_turns
from .step import Step, Verdict

_CHARS_AT_ONCE = 2**18
"""Many short rows in one call: numpy's cost for a call is then small."""


class Decontaminate(Step):
    """Compares each row with deny lists, by id and by text."""

    name = "decontaminate"
    step = "decontaminated"
    """Its name in the funnel."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Take the folders of the deny lists; the first one that a row meets is reported."""
        super().__init__()
        self.folders = list(folders)

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Open the lists, then judge the stream some rows at a time."""
        del rank
        lists = [DenyList.open(folder) for folder in self.folders]
        batch: list[Document] = []
        num_chars = 0
        for document in documents:
            batch.append(document)
            num_chars += len(document.text)
            if num_chars > _CHARS_AT_ONCE:
                yield from self._judged(batch, lists)
                batch, num_chars = [], 0
        yield from self._judged(batch, lists)

    def _judged(self, batch: list[Document], lists: list[DenyList]) -> list[Document]:
        open_rows = [document for document in batch if not is_dropped(document)]
        for document, verdict in zip(open_rows, _verdicts(open_rows, lists), strict=True):
            if verdict is not None:
                metadata = metadata_of(document)
                metadata["step"] = self.step
                metadata["reason"], metadata["detail"] = verdict
        return batch


def _verdicts(documents: Sequence[Document], lists: Sequence[DenyList]) -> list[Verdict | None]:
    """Return for each row a verdict with suite, split and kind of match, and the item's id."""
    verdicts: list[Verdict | None] = [None] * len(documents)
    texts = [_text_of(document) for document in documents]
    for deny_list in lists:
        for place, overlap in enumerate(find_overlaps(texts, deny_list)):
            if verdicts[place] is not None:
                continue
            owner = deny_list.by_id.get(documents[place].id)
            if overlap is not None:
                reason = f"{overlap.suite} {overlap.split}: {overlap.kind}"
                verdicts[place] = Verdict(reason, overlap.id)
            elif owner is not None:
                verdicts[place] = Verdict(f"{owner.suite} {owner.split}: id", owner.id)
    return verdicts


def _text_of(document: Document) -> str:
    """Return the row's text; of a conversation all turns, the system's too, and of a pair both."""
    metadata = metadata_of(document)
    messages, rejected = metadata["messages"], metadata["rejected"] or []
    if messages is None:
        return document.text
    worse = rejected[num_shared_turns(messages, rejected) :] if rejected else []
    return "\n".join(turn["content"] for turn in [*messages, *worse])
