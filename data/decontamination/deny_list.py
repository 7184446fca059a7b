"""The hashed file of what no training row may hold: made from items once, opened without them.

T texts of items, G groups of texts that count together
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cleaning.normalise import normalise_text
from ..errors import UserError
from ..manifest import write_json
from ..matching import match_key
from .hash_table import HashTable, save_hash_table
from .held_items import HeldItem
from .segments import sentences_of
from .windows import MOST_CHARS, Windows, hash_whole, pieces_of

NGRAM_WORDS = 13
SHINGLE_CHARS = 50
LEAST_CHARS = 25
"""A shorter text says nothing about where it comes from; a short one is found by so many."""
MOST_ITEMS = 10
"""What stands in more items than these is a phrase, such as "which of the following is true"."""
_FORMAT = 1


@dataclass(kw_only=True, slots=True)
class DenyListFacts:
    """What a deny list was made of, for reports."""

    items: dict[str, int] = field(default_factory=dict)
    """Items by suite and split, each once for all its languages: ``{"sib200 test": 163}``."""
    unprotected: dict[str, int] = field(default_factory=dict)
    """Of them, those too short or too much like others to be known again."""
    num_phrases: int = 0
    """Windows left out since they stand in too many items."""


class Owner(NamedTuple):
    """The item that a group of texts belongs to."""

    suite: str
    split: str
    id: str


class DenyList:
    """The opened file; everything but the items' names is read from disk as it is used."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        if about["format"] != _FORMAT:
            raise UserError(f"{folder} was made by another version of lokal: make it again")
        self.facts = DenyListFacts(**about["facts"])
        self.chars = HashTable.open(folder, "chars")
        self.words = HashTable.open(folder, "words")
        self.short = HashTable.open(folder, "short")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        self.whole_T: NDArray[np.uint64] = arrays["whole"]
        self.num_chars_T: NDArray[np.int32] = arrays["num_chars"]
        self.is_sentence_T: NDArray[np.bool_] = arrays["is_sentence"]
        """True for a sentence of a longer text, which counts only as a line of its own."""
        self._groups = arrays["groups"]
        self._group_starts = arrays["group_starts"]
        self._members = arrays["members"]
        self._member_starts = arrays["member_starts"]
        self._owners = [Owner(*names) for names in about["owners"]]
        self._owner_G = arrays["owner"]
        self.by_id = {owner.id: owner for owner in reversed(self._owners) if "/" in owner.id}
        """Ids that name their benchmark, as in ``sib200/12``; plain numbers say nothing."""

    @classmethod
    def open(cls, folder: Path) -> "DenyList":
        """Return the list that ``build_deny_list`` wrote.

        Raises:
            UserError: there is none, or one of another version.
        """
        if not (folder / "about.json").is_file():
            raise UserError(f"{folder} holds no deny list: its about.json is missing")
        return cls(folder)

    def groups_of(self, text: int) -> list[int]:
        """Return the groups that a text belongs to, in the order of the suites."""
        return self._groups[self._group_starts[text] : self._group_starts[text + 1]].tolist()

    def texts_of(self, group: int) -> list[int]:
        """Return the texts of a group."""
        return self._members[self._member_starts[group] : self._member_starts[group + 1]].tolist()

    def owner_of(self, group: int) -> Owner:
        """Return the item that is met when a row holds all texts of the group."""
        return self._owners[self._owner_G[group]]


_ARRAYS = (
    "whole",
    "num_chars",
    "is_sentence",
    "groups",
    "group_starts",
    "members",
    "member_starts",
    "owner",
)


def is_short(key: str) -> bool:
    """Return whether a text holds no run of 50 characters or 13 words."""
    return len(key) < SHINGLE_CHARS and key.count(" ") < NGRAM_WORDS - 1


def build_deny_list(items: Iterable[HeldItem], folder: Path) -> DenyListFacts:
    """Write the deny list of the items; where two hold one text, the first one is reported.

    The folder appears whole or not at all. It holds 64-bit hashes and the items' names, no text.
    """
    content = _Content()
    for item in items:
        content.add(item)
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    facts = content.save(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
    return facts


class _Content:
    """The texts of all items, each once, and which of them count together."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.owners: dict[Owner, int] = {}
        self.groups: list[tuple[int, list[int]]] = []
        self.fields: set[int] = set()

    def add(self, item: HeldItem) -> None:
        """Take an item in; the same item in another language adds its texts."""
        owner = Owner(item.suite, item.split, item.id)
        number = self.owners.setdefault(owner, len(self.owners))
        for group in item.groups:
            keys = [match_key(normalise_text(text)) for text in group]
            if all(keys):
                texts = [self._number_of(key) for key in keys]
                self.fields.update(texts)
                self.groups.append((number, texts))
                if len(group) == 1:
                    self._add_sentences(group[0], key=keys[0], owner=number)

    def _add_sentences(self, text: str, *, key: str, owner: int) -> None:
        """Take in the sentences of a long text that hold no run: each may be a row of its own."""
        if is_short(key):
            return
        for sentence in sentences_of(normalise_text(text)):
            part = match_key(sentence)
            if len(part) >= LEAST_CHARS and is_short(part):
                self.groups.append((owner, [self._number_of(part)]))

    def _number_of(self, key: str) -> int:
        return self.texts.setdefault(key, len(self.texts))

    def save(self, folder: Path) -> DenyListFacts:
        """Write all arrays and tables."""
        keys = list(self.texts)
        groups = self._telling_groups(keys)
        known = {owner for owner, _ in groups}
        facts = DenyListFacts(
            items=_by_split(self.owners),
            unprotected=_by_split(
                owner for owner, number in self.owners.items() if number not in known
            ),
        )
        wanted = sorted({text for _, texts in groups for text in texts})
        facts.num_phrases = _save_tables(folder, keys, wanted)
        _save_groups(folder, groups, num_texts=len(keys))
        whole = [hash_whole(key) for key in keys]
        np.save(folder / "whole.npy", np.array(whole, dtype=np.uint64))
        np.save(folder / "num_chars.npy", np.array([len(key) for key in keys], dtype=np.int32))
        is_sentence = [number not in self.fields for number in range(len(keys))]
        np.save(folder / "is_sentence.npy", np.array(is_sentence, dtype=bool))
        about = {"format": _FORMAT, "facts": asdict(facts), "owners": [[*o] for o in self.owners]}
        write_json(folder / "about.json", about)
        return facts

    def _telling_groups(self, keys: Sequence[str]) -> list[tuple[int, list[int]]]:
        """Return the groups that tell one item from others: some text of them is long enough."""
        alone: dict[int, set[str]] = {}
        names = [owner.id for owner in self.owners]
        for owner, texts in self.groups:
            if len(texts) == 1:
                alone.setdefault(texts[0], set()).add(names[owner])
        return [
            (owner, texts)
            for owner, texts in self.groups
            if any(len(keys[text]) >= LEAST_CHARS for text in texts)
            and (len(texts) > 1 or len(alone[texts[0]]) <= MOST_ITEMS)
        ]


def _by_split(owners: Iterable[Owner]) -> dict[str, int]:
    return dict(Counter(f"{owner.suite} {owner.split}" for owner in owners))


def _save_groups(folder: Path, groups: Sequence[tuple[int, list[int]]], *, num_texts: int) -> None:
    of_text: list[list[int]] = [[] for _ in range(num_texts)]
    for group, (_, texts) in enumerate(groups):
        for text in dict.fromkeys(texts):
            of_text[text].append(group)
    lists = {
        ("groups", "group_starts"): of_text,
        ("members", "member_starts"): [texts for _, texts in groups],
    }
    for (values, starts), rows in lists.items():
        flat = [value for row in rows for value in row]
        _save(folder, values, flat)
        _save(folder, starts, [0, *accumulate(len(row) for row in rows)])
    _save(folder, "owner", [owner for owner, _ in groups])


def _save(folder: Path, name: str, values: Sequence[int]) -> None:
    np.save(folder / f"{name}.npy", np.array(values or [0], dtype=np.int32), allow_pickle=False)


def _save_tables(folder: Path, keys: Sequence[str], wanted: Sequence[int]) -> int:
    """Write the tables of windows; returns how many were too common."""
    found: dict[str, list[tuple[NDArray, NDArray]]] = {"chars": [], "words": [], "short": []}
    for texts, pieces in _batches(keys, wanted):
        for name, (hashes, places) in _window_hashes(pieces).items():
            found[name].append((hashes, np.array(texts, dtype=np.int32)[places]))
    num_common = 0
    for name, arrays in found.items():
        hashes = np.concatenate([np.empty(0, np.uint64), *(hashes for hashes, _ in arrays)])
        texts = np.concatenate([np.empty(0, np.int32), *(texts for _, texts in arrays)])
        most = len(keys) + 1 if name == "short" else MOST_ITEMS
        num_common += save_hash_table(folder, name, hashes=hashes, texts=texts, most_texts=most)
    return num_common


def _batches(keys: Sequence[str], wanted: Sequence[int]) -> Iterator[tuple[list[int], list[str]]]:
    """Yield texts and their pieces, so many as are hashed at once."""
    texts: list[int] = []
    pieces: list[str] = []
    num_chars = 0
    for text in wanted:
        for begin, end in pieces_of(keys[text]):
            piece = keys[text][begin:end]
            if pieces and num_chars + len(piece) + 1 > MOST_CHARS:
                yield texts, pieces
                texts, pieces, num_chars = [], [], 0
            texts.append(text)
            pieces.append(piece)
            num_chars += len(piece) + 1
    if pieces:
        yield texts, pieces


def _window_hashes(pieces: Sequence[str]) -> dict[str, tuple[NDArray, NDArray]]:
    """Return the hashes of each kind with the number of the piece that holds it."""
    windows = Windows("\n".join(pieces))
    piece_ends = np.cumsum([len(piece) + 1 for piece in pieces]) - 1
    place_W = np.searchsorted(piece_ends, windows.starts_W)
    last_W = piece_ends[place_W]
    short = np.array([is_short(piece) for piece in pieces])
    first_W = np.diff(place_W, prepend=-1) > 0
    found: dict[str, tuple[NDArray, NDArray]] = {}
    for name, ends in {
        "chars": windows.ends_of_chars(SHINGLE_CHARS),
        "words": windows.ends_of_words(NGRAM_WORDS),
        "short": windows.ends_of_chars(LEAST_CHARS),
    }.items():
        inside = ends <= last_W[: len(ends)]
        if name == "short":
            inside &= (first_W & short[place_W])[: len(ends)]
        found[name] = (windows.hash_from_starts(ends)[inside], place_W[: len(ends)][inside])
    return found
