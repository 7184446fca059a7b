"""The items of suites that no training row may share: which of their fields count together."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from ..suite import Suite, expand_suite, held_files, held_splits, load_suite


@dataclass(kw_only=True, slots=True)
class DecontaminateConfig:
    """Which benchmarks' items are kept out of training."""

    suites: list[str] = field(default_factory=lambda: ["sib200"])
    """Suites whose items, all but those of ``train``, may not be in the corpus, in any language."""
    items_root: str | None = None
    """Folder with the items of the suites that are not shipped: ``belebele/id.jsonl`` ..."""
    skip_missing: bool = False
    """Go on without a suite whose items are not there; the report names it."""
    deny_lists: list[str] = field(default_factory=list)
    """Folders of deny lists made elsewhere, used too: they hold hashes, no benchmark's text."""

    def __post_init__(self) -> None:
        if len(set(self.suites)) < len(self.suites):
            raise ValueError(f"decontaminate.suites names one twice: {', '.join(self.suites)}")


class HeldItem(NamedTuple):
    """One item in one language."""

    suite: str
    split: str
    id: str
    groups: list[list[str]]
    """A row that holds all texts of one group meets the item."""


class HeldFile(NamedTuple):
    """One file of items that are kept out."""

    suite: Suite
    split: str
    path: Path


def list_held_files(config: DecontaminateConfig) -> list[HeldFile]:
    """Return the files with items, in the order of the suites, a suite's test items first.

    Raises:
        UserError: no such suite; one has no items there, and ``skip_missing`` is false.
    """
    root = None if config.items_root is None else Path(config.items_root)
    files: list[HeldFile] = []
    for suite in _benchmarks(config):
        name = suite.name
        for split in held_splits(suite):
            try:
                paths = held_files(suite, split=split, items_root=root)
            except UserError:
                if not config.skip_missing:
                    raise
                continue
            if not paths and not config.skip_missing:
                raise UserError(
                    f"suite {name} has no {split} items at {suite.items[split]} below "
                    f"decontaminate.items_root={config.items_root}: get them from {suite.source}, "
                    "leave it out of decontaminate.suites, or set decontaminate.skip_missing=true"
                )
            files += [HeldFile(suite, split, path) for path in paths]
    return files


def skipped_suites(config: DecontaminateConfig) -> list[str]:
    """Return the suites of which no item is there."""
    found = {file.suite.name for file in list_held_files(config)}
    return [suite.name for suite in _benchmarks(config) if suite.name not in found]


def _benchmarks(config: DecontaminateConfig) -> list[Suite]:
    """Return the benchmarks that the suites name, each once; ``core`` names several."""
    chosen = [suite for name in config.suites for suite, _ in expand_suite(load_suite(name))]
    return list({suite.name: suite for suite in chosen}.values())


def read_all_held_items(config: DecontaminateConfig) -> Iterator[HeldItem]:
    """Yield the items of all suites, in their order.

    Raises:
        UserError: items are missing, or a line is none.
    """
    for suite, split, path in list_held_files(config):
        yield from read_held_items(suite, split=split, path=path)


def read_held_items(suite: Suite, *, split: str, path: Path) -> Iterator[HeldItem]:
    """Yield the items of one file, ``.jsonl`` or ``.jsonl.gz``, in its order.

    Raises:
        UserError: a line is no JSON object with an id and one of the protected fields.
    """
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8", newline="\n") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                yield _held_item(line, suite=suite, split=split, place=f"{path}:{number}")
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read to its end ({error}): get it again") from error


def _held_item(line: str, *, suite: Suite, split: str, place: str) -> HeldItem:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UserError(f"{place} is not JSON: repair or remove the line") from error
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        raise UserError(f"{place} is not an item: it has no id")
    groups = [group for fields in suite.protect for group in _groups(row, fields.split("+"))]
    if not groups:
        raise UserError(
            f"{place} has no field {' or '.join(suite.protect)}: correct 'protect' in "
            f"configs/suite/{suite.name}.yaml"
        )
    return HeldItem(suite.name, split, row["id"], groups)


def _groups(row: Mapping[str, object], fields: list[str]) -> list[list[str]]:
    """Return the groups of texts; each text of a list that counts alone is a group of its own."""
    values = [_texts(row.get(field)) for field in fields]
    if not all(values):
        return []
    if len(fields) == 1:
        return [[text] for text in values[0]]
    return [["\n".join(texts) for texts in values]]


def _texts(value: object) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [text for text in texts if isinstance(text, str) and text.strip()]
