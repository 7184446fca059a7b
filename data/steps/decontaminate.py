"""Drops rows that share text with a benchmark's dev or test items, in any of its languages."""

from collections.abc import Iterable, Iterator, Sequence

from datatrove.data import Document

from ..overlap import HeldItem, OverlapIndex
from ..plan import held_splits
from ..suite import load_suite, read_items, suite_languages
from .step import Gate, Verdict


class Decontaminate(Gate):
    """Compares each row with the held items of the suites, by id and by text."""

    name = "decontaminate"
    step = "decontaminated"

    def __init__(self, suites: Sequence[str]) -> None:
        super().__init__()
        self.suites = list(suites)

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Read the items, then judge the stream; the index is made in the process that needs it."""
        items = held_items(self.suites)
        self.index = OverlapIndex(items)
        self.by_id = {item.id: item for item in items}
        yield from super().stream(documents, rank=rank)

    def judge(self, document: Document) -> Verdict | None:
        """Return a verdict with suite, split and kind of match; its detail is the item's id."""
        overlap = self.index.find(document.text)
        if overlap is not None:
            item = overlap.item
            return Verdict(f"{item.suite} {item.split}: {overlap.kind}", item.id)
        item = self.by_id.get(document.id)
        return Verdict(f"{item.suite} {item.split}: id", item.id) if item else None


def held_items(suites: Sequence[str]) -> list[HeldItem]:
    """Return the items that are kept out, test before dev, in every language of each suite."""
    items: list[HeldItem] = []
    for name in suites:
        suite = load_suite(name)
        for split in reversed(held_splits(suite)):
            for language in suite_languages(suite, split=split):
                rows = read_items(suite, split=split, language=language)
                items += [HeldItem(name, split, row.id, row.text) for row in rows]
    return items
