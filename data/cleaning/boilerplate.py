"""Finds the lines that a source repeats over its documents: navigation, footers, disclaimers.

Each part of a corpus leaves sorted counts of line keys on disk; they are merged one range of keys
at a time, so memory stays flat. Counts are sums, so neither the number of workers nor the order of
the parts changes the result. A key is a 64-bit hash whose lowest two bits say what was counted.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from .boilerplate_config import BoilerplateConfig
from .markdown_text import FENCED_BLOCK

Keys = NDArray[np.uint64]
MIN_LINES = 3
"""A document of fewer lines is not counted: a sentence repeated there is a duplicate."""
COUNTS = np.dtype([("key", "<u8"), ("documents", "<u4")])
INDEX = "sources.json"

LINE, OPENING, LABEL, EDGE_LINE = range(4)
"""What a key stands for: a line anywhere; how a long line begins; what stands before a colon; and,
after the merge, a line that is boilerplate only at an edge of the document."""
_EDGE = 8
_OPENING_LENGTH = 48
_LONG = 2 * _OPENING_LENGTH
_LABEL = re.compile(r"[^\W\d_][^:।.?!]*\s[^:।.?!]*:(?=\s)")
_LETTER = re.compile(r"[^\W\d_]")
_RANGES = 64
_KIND = np.uint64(3)


class Line(NamedTuple):
    """One line of a document that is counted."""

    number: int
    """Where it stands, from 0, with empty lines and code counted."""
    keys: list[int]
    """Of the line; near an edge also of its opening and of its label."""


def counted_lines(text: str) -> list[Line]:
    """Return the lines with a letter outside of code blocks; none if there are fewer than three.

    Case and blanks at the ends do not matter.
    """
    if text.count("\n") < MIN_LINES - 1:
        return []
    lowered = text.lower()
    if "```" in lowered or "~~~" in lowered:
        lowered = FENCED_BLOCK.sub(lambda match: "\n" * match[0].count("\n"), lowered)
    lines = [
        (number, line)
        for number, line in enumerate(map(str.strip, lowered.split("\n")))
        if len(line) > 1 and _LETTER.search(line)
    ]
    if len(lines) < MIN_LINES:
        return []
    result = [Line(number, [_key(line, LINE)]) for number, line in lines]
    for place in {*range(min(_EDGE, len(lines))), *range(max(0, len(lines) - _EDGE), len(lines))}:
        line = lines[place][1]
        if len(line) >= _LONG:
            result[place].keys.append(_key(line[:_OPENING_LENGTH], OPENING))
        elif label := _LABEL.match(line):
            result[place].keys.append(_key(label[0], LABEL))
    return result


class LineCounts:
    """Counts in how many documents of one source each key is; spills to disk when it grows."""

    def __init__(self, folder: Path, *, stem: str, spill_keys: int = 4_000_000) -> None:
        self._folder, self._stem, self._spill_keys = folder, stem, spill_keys
        self._pending: list[Keys] = []
        self._num_pending = 0
        self.documents = 0
        self.files: list[str] = []

    def add(self, lines: list[Line]) -> None:
        """Count one document."""
        keys = {key for line in lines for key in line.keys}
        self._pending.append(np.fromiter(keys, dtype=np.uint64, count=len(keys)))
        self._num_pending += len(keys)
        self.documents += 1
        if self._num_pending >= self._spill_keys:
            self.spill()

    def spill(self) -> None:
        """Write what is in memory as one sorted file."""
        if not self._pending:
            return
        keys, number = np.unique(np.concatenate(self._pending), return_counts=True)
        counts = np.empty(len(keys), dtype=COUNTS)
        counts["key"], counts["documents"] = keys, number
        name = f"{self._stem}-{len(self.files):03d}.npy"
        np.save(self._folder / name, counts)
        self.files.append(name)
        self._pending, self._num_pending = [], 0


def merge_line_counts(
    parts: Iterable[Path], out: Path, config: BoilerplateConfig
) -> dict[str, int]:
    """Write each source's boilerplate keys, sorted, into the folder; return how many, by source.

    ``parts`` are the folders that ``CountLines`` wrote, one for each part of the corpus. Memory is
    that of one key in ``64`` of a source's.
    """
    documents: dict[str, int] = {}
    files: dict[str, list[Path]] = {}
    for part in sorted(parts):
        for source, entry in json.loads((part / INDEX).read_text(encoding="utf-8")).items():
            documents[source] = documents.get(source, 0) + entry["documents"]
            files.setdefault(source, []).extend(part / name for name in entry["files"])
    out.mkdir(parents=True, exist_ok=True)
    index: dict[str, str] = {}
    found: dict[str, int] = {}
    for place, source in enumerate(sorted(files)):
        kept = list(_merged(files[source], documents=documents[source], config=config))
        keys = np.sort(np.concatenate(kept))
        index[source], found[source] = f"{place:05d}.npy", len(keys)
        np.save(out / index[source], keys)
    write_index(out, index)
    return found


def write_index(folder: Path, index: object) -> None:
    """Write the folder's index, which comes last: a folder without it is unfinished."""
    draft = folder / f"{INDEX}.tmp"
    draft.write_text(json.dumps(index, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    os.replace(draft, folder / INDEX)


class Boilerplate:
    """The boilerplate lines of every source, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self._keys: dict[str, Keys] = {
            source: np.load(folder / name, mmap_mode="r") for source, name in index.items()
        }

    def find(self, text: str, *, source: str) -> list[int]:
        """Return the numbers of the text's lines that are boilerplate, ascending.

        Some lines are so only in a run from the first or the last line. A label with something new
        behind it is so only in a run that holds a repeated line too.
        """
        known = self._keys.get(source)
        if known is None or not len(known) or not (lines := counted_lines(text)):
            return []
        flat = [key for line in lines for key in (*line.keys, line.keys[0] | EDGE_LINE)]
        keys = np.fromiter(flat, dtype=np.uint64, count=len(flat))
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        hits = set(keys[known[places] == keys].tolist())
        if not hits:
            return []
        anywhere = {line.number for line in lines if line.keys[0] in hits}
        half = len(lines) // 2
        return sorted(anywhere | _run(lines[:half], hits) | _run(lines[: half - 1 : -1], hits))


def _key(text: str, kind: int) -> int:
    return xxh3_64_intdigest(text.encode(errors="replace")) & ~3 | kind


def _run(lines: Iterable[Line], hits: set[int]) -> set[int]:
    """Return the boilerplate lines from the first one on; none if all are mere labels."""
    run: set[int] = set()
    repeated = False
    for line in lines:
        own = {line.keys[0], line.keys[0] | EDGE_LINE} & hits
        opening = any(key & 3 == OPENING and key in hits for key in line.keys)
        if not (own or opening or hits.intersection(line.keys)):
            break
        repeated = repeated or bool(own) or opening
        run.add(line.number)
    return run if repeated else set()


def _merged(files: list[Path], *, documents: int, config: BoilerplateConfig) -> Iterator[Keys]:
    """Yield the boilerplate keys of one source, one range of keys at a time."""
    maps = [np.load(file, mmap_mode="r") for file in files]
    bounds = np.array([place << 58 for place in range(_RANGES)], dtype=np.uint64)
    cuts = [np.append(np.searchsorted(counts["key"], bounds), len(counts)) for counts in maps]
    for place in range(_RANGES):
        pieces = [
            counts[cut[place] : cut[place + 1]] for counts, cut in zip(maps, cuts, strict=True)
        ]
        keys, inverse = np.unique(
            np.concatenate([piece["key"] for piece in pieces]), return_inverse=True
        )
        number = np.zeros(len(keys), dtype=np.int64)
        np.add.at(number, inverse, np.concatenate([piece["documents"] for piece in pieces]))
        yield _boilerplate(keys, number, documents=documents, config=config)


def _boilerplate(
    keys: Keys, number: NDArray[np.integer], *, documents: int, config: BoilerplateConfig
) -> Keys:
    """Return the keys that enough documents hold; edge lines under their own kind."""
    everywhere = number >= max(config.min_documents, config.share * documents)
    at_edge = number >= max(config.min_documents, config.edge_share * documents)
    kind = keys & _KIND
    edge_lines = keys[at_edge & (kind == LINE)] | np.uint64(EDGE_LINE)
    lines_and_labels = keys[everywhere & (kind != OPENING)]
    return np.concatenate([edge_lines, lines_and_labels, keys[at_edge & (kind == OPENING)]])
