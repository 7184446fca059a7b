"""A benchmark's labels, items and prompt, read from ``configs/suite/*.yaml``."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from .config_files import read_config
from .errors import UserError
from .message import Message
from .region import Region, region_codes
from .sample_files import resolve_sample


@dataclass(kw_only=True, slots=True)
class Suite:
    """One benchmark: what is asked, which answers count, and where its items lie."""

    name: str
    task: str
    """Which of a region's prompts asks for the answer: ``topic``."""
    labels: list[str]
    """The answers, in the order in which every prompt lists them."""
    items: dict[str, str]
    """JSONL path by split; ``{region}`` stands for the language, ``sample:`` for a shipped file."""
    licence: str
    source: str
    """Where the items come from, for cards and reports."""

    def __post_init__(self) -> None:
        if len(set(self.labels)) < max(2, len(self.labels)):
            raise ValueError(f"suite.labels of {self.name!r} needs two or more different labels")


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
    if wrong := sorted(set(values) ^ known):
        raise UserError(
            f"configs/suite/{name}.yaml: key {wrong[0]!r} is missing or unknown; "
            f"it needs {', '.join(sorted(known))}"
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
        UserError: the suite has no such split.
    """
    if split not in suite.items:
        raise UserError(
            f"suite {suite.name} has no split {split!r}: choose one of {', '.join(suite.items)}"
        )
    return resolve_sample(suite.items[split].replace("{region}", language))


def suite_languages(suite: Suite, *, split: str) -> list[str]:
    """Return the codes of the regions in which the suite has items, sorted."""
    codes = region_codes()
    return [code for code in codes if items_path(suite, split=split, language=code).is_file()]


def topic_messages(region: Region, suite: Suite, text: str) -> list[Message]:
    """Return the prompt for one text: the instruction with its labels, then the text.

    The one place where this prompt is made, for training rows and for evaluation alike.
    """
    return [
        Message(role="system", content=region.prompt(suite.task, suite.labels)),
        Message(role="user", content=text),
    ]
