"""Looks for the items that are compared in the rows that were trained on."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from ..data.cleaning.normalise import normalise_text
from ..data.decontamination.deny_list import DenyList, build_deny_list
from ..data.decontamination.held_items import HeldItem, read_held_items
from ..data.decontamination.overlap import find_all_overlaps
from ..data.errors import UserError
from ..data.manifest import Json
from ..data.matching import match_key
from ..data.progress import say
from ..data.suite import Suite, held_files
from .item import Item

_CHARS_AT_ONCE = 2**18
_SHOWN = 5


@dataclass(slots=True)
class SuiteHits:
    """What of one suite's compared items stands in training rows, in any language."""

    num_items: int
    exact: set[str] = field(default_factory=set)
    """Ids of items of which some row holds a protected text whole."""
    partial: set[str] = field(default_factory=set)
    """Ids of items that only share a run of 50 characters or 13 words with a row."""

    def to_json(self) -> dict[str, Json]:
        """Return the counts, with some ids to look at."""
        return {
            "items": self.num_items,
            "exact_hits": len(self.exact),
            "partial_hits": len(self.partial - self.exact),
            "examples": list[Json](sorted(self.exact or self.partial)[:_SHOWN]),
        }


def find_contamination(
    corpus: Path,
    compared: Mapping[str, tuple[Suite, Sequence[Item]]],
    *,
    split: str,
    items_root: Path | None,
) -> dict[str, SuiteHits]:
    """Return by suite which of the compared items stand in the corpus' training rows.

    Translations of an item count as the item: rows in any language are searched for all of them.

    Raises:
        UserError: the corpus has no training rows, or items are missing.
    """
    everything = list(_held_items(compared, split=split, items_root=items_root))
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for item in everything:
        groups.setdefault((item.suite, item.id), []).extend(item.groups)
    say("compare", f"looks for {len(groups)} items in the training rows of {corpus}")
    hits = {name: SuiteHits(len(items)) for name, (_, items) in compared.items()}
    with tempfile.TemporaryDirectory(prefix="lokal-deny-") as place:
        folder = Path(place) / "list"
        build_deny_list(everything, folder)
        deny_list = DenyList.open(folder)
        for texts in _batches(_training_texts(corpus)):
            for text, overlaps in zip(texts, find_all_overlaps(texts, deny_list), strict=True):
                for overlap in overlaps:
                    found = hits[overlap.suite]
                    is_whole = _holds_whole(text, groups[overlap.suite, overlap.id])
                    (found.exact if is_whole else found.partial).add(overlap.id)
    return hits


def _held_items(
    compared: Mapping[str, tuple[Suite, Sequence[Item]]], *, split: str, items_root: Path | None
) -> Iterator[HeldItem]:
    """Yield the compared items in every language that they exist in."""
    for suite, items in compared.values():
        wanted = {item.id for item in items}
        for path in held_files(suite, split=split, items_root=items_root):
            for held in read_held_items(suite, split=split, path=path):
                if held.id in wanted:
                    yield held


def _holds_whole(text: str, groups: Sequence[Sequence[str]]) -> bool:
    """Return whether the row holds all texts of some group, word for word."""
    row = f" {match_key(text)} "
    return any(
        all(f" {match_key(normalise_text(part))} " in row for part in group) for group in groups
    )


def _training_texts(corpus: Path) -> Iterator[str]:
    """Yield each training row as one text: of a conversation all turns, of a pair both replies."""
    files = sorted(corpus.glob("train-*.parquet"))
    if not files:
        raise UserError(f"{corpus} has no train-*.parquet: name the folder that prepare wrote")
    for path in files:
        stored = pq.ParquetFile(path)
        wanted = [
            name for name in ("text", "messages", "rejected") if name in stored.schema_arrow.names
        ]
        for batch in stored.iter_batches(batch_size=1024, columns=wanted):
            for row in batch.to_pylist():
                turns = [*(row.get("messages") or []), *(row.get("rejected") or [])]
                texts = [turn["content"] for turn in turns] or [row["text"]]
                yield normalise_text("\n".join(texts))


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    num_chars = 0
    for text in texts:
        batch.append(text)
        num_chars += len(text)
        if num_chars > _CHARS_AT_ONCE:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch
