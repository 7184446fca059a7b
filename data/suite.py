"""A benchmark's labels, items and prompt, read from ``configs/suite/*.yaml``."""

import json
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from .config_files import read_config
from .errors import UserError
from .message import Message
from .region import Region, region_codes
from .sample_files import resolve_sample

ITEMS_PREFIX = "items:"
"""Stands for the user's own folder of benchmarks, whose licences do not let us ship them."""


@dataclass(kw_only=True, slots=True)
class Suite:
    """One benchmark: what is asked, which answers count, and where its items lie."""

    name: str
    items: dict[str, str]
    """JSONL path by split; ``{region}`` stands for the language, ``sample:`` for a shipped file.

    ``items:`` stands for the user's folder of benchmarks; a file there may end in ``.gz``."""
    licence: str
    source: str
    """Where the items come from, for cards and reports."""
    task: str = ""
    """Which of a region's prompts asks for the answer: ``topic``. Empty: nothing asks yet."""
    labels: list[str] = field(default_factory=list)
    """The answers, in the order in which every prompt lists them."""
    protect: list[str] = field(default_factory=lambda: ["text"])
    """Fields of which one in a training row is too much; of ``premise+hypothesis``, both are."""

    def __post_init__(self) -> None:
        if (self.task or self.labels) and len(set(self.labels)) < max(2, len(self.labels)):
            raise ValueError(f"suite.labels of {self.name!r} needs two or more different labels")
        if not self.protect or not all(all(names.split("+")) for names in self.protect):
            raise ValueError(
                f"suite.protect of {self.name!r} must name fields, as in [premise+hypothesis], "
                f"got {self.protect}"
            )


class Item(NamedTuple):
    """One question with its right answer; ids are equal across languages."""

    id: str
    language: str
    text: str
    label: str


def load_suite(name: str) -> Suite:
    """Return the suite with this name.

    Raises:
        UserError: there is no such suite, or its file has a wrong key.
    """
    values = read_config("suite", name)
    known = {item.name for item in fields(Suite)}
    needed = {
        item.name
        for item in fields(Suite)
        if item.default is MISSING and item.default_factory is MISSING
    }
    if wrong := sorted((set(values) - known) | (needed - set(values))):
        raise UserError(
            f"configs/suite/{name}.yaml: key {wrong[0]!r} is missing or unknown; "
            f"it needs {', '.join(sorted(needed))} and may have {', '.join(sorted(known - needed))}"
        )
    return Suite(**values)  # pyright: ignore[reportArgumentType]  YAML values, keys checked above


def read_items(suite: Suite, *, split: str, language: str) -> list[Item]:
    """Return the items of one split in one language, in the file's order.

    Raises:
        UserError: no such split or file, a broken line, or an unknown label.
    """
    path = items_path(suite, split=split, language=language)
    if not path.is_file():
        raise UserError(
            f"suite {suite.name} has no {split} items in {language}: {path} does not exist"
        )
    items: list[Item] = []
    for number, line in enumerate(
        path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1
    ):
        try:
            row = json.loads(line)
            item = Item(row["id"], language, row["text"], row["label"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}:{number} is not an item with id, text, label") from error
        if item.label not in suite.labels:
            raise UserError(f"{path}:{number} has the label {item.label!r}, not one of the suite's")
        items.append(item)
    return items


def items_path(suite: Suite, *, split: str, language: str) -> Path:
    """Return where the items of a split and language lie (the file may not exist).

    Raises:
        UserError: the suite has no such split, or nothing asks its questions yet.
    """
    if not suite.task:
        raise UserError(
            f"suite {suite.name} only keeps its items out of training for now: it has no task and "
            "labels; choose one that has them, such as sib200"
        )
    if split not in suite.items:
        raise UserError(
            f"suite {suite.name} has no split {split!r}: choose one of {', '.join(suite.items)}"
        )
    return resolve_sample(suite.items[split].replace("{region}", language))


def held_splits(suite: Suite) -> list[str]:
    """Return the splits that no training row may share: all but ``train``, test first."""
    return sorted(set(suite.items) - {"train"}, key=lambda split: (split != "test", split))


def held_files(suite: Suite, *, split: str, items_root: Path | None) -> list[Path]:
    """Return the files with a split's items in all languages; none where they are not there.

    Raises:
        UserError: the items lie in the user's folder, and none is named.
    """
    place = suite.items[split]
    if place.startswith(ITEMS_PREFIX):
        if items_root is None:
            raise UserError(
                f"suite {suite.name} is not shipped: set decontaminate.items_root to the folder "
                f"with {place.removeprefix(ITEMS_PREFIX)} in it, from {suite.source}"
            )
        place = str(items_root.expanduser() / place.removeprefix(ITEMS_PREFIX))
    paths = [resolve_sample(place.replace("{region}", code)) for code in region_codes()]
    files = [path for plain in paths for path in (plain, plain.with_name(f"{plain.name}.gz"))]
    return sorted({path for path in files if path.is_file()})


def topic_messages(region: Region, suite: Suite, text: str) -> list[Message]:
    """Return the prompt for one text: the instruction with its labels, then the text.

    The one place where this prompt is made, for training rows and for evaluation alike.
    """
    return [
        Message(role="system", content=region.prompt(suite.task, suite.labels)),
        Message(role="user", content=text),
    ]
