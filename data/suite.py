"""A benchmark's labels, items and prompt, read from ``configs/suite/*.yaml``."""

import json
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from .config_files import read_config
from .errors import UserError
from .hub_items import HUB_PREFIX, HubItems, MissingItems
from .manifest import Json
from .message import Message
from .region import Region, region_codes
from .sample_files import resolve_sample

ITEMS_PREFIX = "items:"
"""Stands for the user's own folder of benchmarks, whose licences do not let us ship them."""


class Likelihood(StrEnum):
    """What log-likelihood is asked of: the letters of the options, or their texts."""

    none = "none"
    labels = "labels"
    """The labels, or the letters of the options, as the assistant's whole reply."""
    texts = "texts"
    """The options' own texts; the accuracy per character stands beside the plain one."""


class Origin(StrEnum):
    """Where a benchmark's questions come from; native ones are never averaged away."""

    native = "native"
    translated = "translated"


@dataclass(kw_only=True, slots=True)
class Suite:
    """One benchmark, or a named choice of several: what is asked, and where its items lie."""

    name: str
    items: dict[str, str] = field(default_factory=dict)
    """JSONL path by split; ``{region}`` stands for the language, ``sample:`` for a shipped file,
    ``items:`` for the user's folder (there a file may end in ``.gz``), ``hub:test`` for a split of
    the data set that ``hub`` names."""
    licence: str = ""
    may_leave: bool = False
    """The items are public under a licence that lets another machine have them."""
    source: str = ""
    """Where the items come from, for cards and reports."""
    format: str = ""
    """How a row is asked and scored (evaluation/formats). Empty: only kept out of training."""
    task: str = ""
    """Which of a region's prompts asks for the answer: ``topic``."""
    labels: list[str] = field(default_factory=list)
    """The answers, in the order in which every prompt lists them."""
    protect: list[str] = field(default_factory=lambda: ["text"])
    """Fields of which one in a training row is too much; of ``premise+hypothesis``, both are."""
    cluster: str = ""
    """Field that items share which hang together, as the passage. Empty: each stands alone."""
    category: str = ""
    """Field for filters and for accuracies apart: subject, culturally sensitive or not."""
    likelihood: Likelihood = Likelihood.none
    is_generated: bool = True
    """False where only log-likelihood makes sense."""
    max_new_tokens: int = 0
    """Longest reply to this suite; 0: the run's own."""
    direction: str = ""
    """Of translation: ``from_en`` or ``to_en``."""
    script: str = ""
    """ISO 15924 code of the wanted reply; empty: the region's first."""
    allows_code_mix: bool = False
    """Replies may mix English in, as Taglish and Hinglish do."""
    languages: list[str] = field(default_factory=list)
    """Region codes it exists in; empty: those whose file is there."""
    use: str = ""
    """What a product would use it for: chat, shopping, small_business, translation, knowledge."""
    origin: Origin | None = None
    hub: HubItems | None = None
    """Where items that begin with ``hub:`` lie on the Hugging Face Hub."""
    members: dict[str, int] = field(default_factory=dict)
    """Of a choice of suites: name, and how many items of each language; 0 for all."""

    def __post_init__(self) -> None:
        self.likelihood = Likelihood(self.likelihood)
        self.origin = None if self.origin is None else Origin(self.origin)
        if isinstance(self.hub, dict):  # as ``load_suite`` reads it from YAML
            self.hub = _hub_items(self.name, self.hub)
        if self.members:
            return
        if not self.items:
            raise ValueError(f"suite {self.name!r} needs items, or members")
        if self.labels and len(set(self.labels)) < max(2, len(self.labels)):
            raise ValueError(f"suite.labels of {self.name!r} needs two or more different labels")
        if any(place.startswith(HUB_PREFIX) for place in self.items.values()):
            if self.hub is None or set(self.languages) - set(self.hub.configs):
                raise ValueError(f"suite {self.name!r}: hub.configs must name every language")
            self.languages = self.languages or list(self.hub.configs)
        if self.direction not in ("", "from_en", "to_en"):
            raise ValueError(
                f"suite.direction of {self.name!r} must be from_en or to_en, got {self.direction!r}"
            )
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
    if not values.get("members"):
        needed |= {"items", "licence", "source"}
    if wrong := sorted((set(values) - known) | (needed - set(values))):
        raise UserError(
            f"configs/suite/{name}.yaml: key {wrong[0]!r} is missing or unknown; "
            f"it needs {', '.join(sorted(needed))} and may have {', '.join(sorted(known - needed))}"
        )
    return Suite(**values)  # pyright: ignore[reportArgumentType]  YAML values, keys checked above


def _hub_items(suite: str, values: dict[str, Json]) -> HubItems:
    known = {item.name for item in fields(HubItems)}
    if wrong := sorted((set(values) - known) | ({"id", "configs"} - set(values))):
        raise ValueError(
            f"suite {suite!r}: key hub.{wrong[0]} is missing or unknown; it may have "
            f"{', '.join(sorted(known))}"
        )
    return HubItems(**values)  # pyright: ignore[reportArgumentType]  YAML values, keys checked above


def expand_suite(suite: Suite) -> list[tuple[Suite, int]]:
    """Return the benchmarks of a suite, each with its limit of items a language (0: all).

    Raises:
        UserError: a member does not exist, or has members itself.
    """
    if not suite.members:
        return [(suite, 0)]
    found: list[tuple[Suite, int]] = []
    for name, limit in suite.members.items():
        member = load_suite(name)
        if member.members or limit < 0:
            raise UserError(
                f"suite {suite.name}: members.{name} must be one benchmark with a limit of 0 or "
                f"more items, got {limit}"
            )
        found.append((member, limit))
    return found


def read_items(suite: Suite, *, split: str, language: str) -> list[Item]:
    """Return the labelled texts of one split in one language, in the file's order.

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


def items_path(suite: Suite, *, split: str, language: str, items_root: Path | None = None) -> Path:
    """Return where the items of a split and language lie (the file may not exist).

    Args:
        items_root: the user's folder of benchmarks, for suites that are not shipped.

    Raises:
        UserError: the suite has no such split, or nothing asks its questions.
        MissingItems: it does not exist in this language, or no folder is named.
    """
    if suite.languages and language not in suite.languages:
        raise MissingItems(
            f"suite {suite.name} has no items in {language!r}: it has {', '.join(suite.languages)}"
        )
    if not suite.format:
        raise UserError(
            f"suite {suite.name} only keeps its items out of training: it has no format; "
            "choose one that has, such as sib200"
        )
    if split not in suite.items:
        raise UserError(
            f"suite {suite.name} has no split {split!r}: choose one of {', '.join(suite.items)}"
        )
    place = suite.items[split]
    if suite.hub is not None and place.startswith(HUB_PREFIX):
        return suite.hub.path(suite.name, split=place.removeprefix(HUB_PREFIX), language=language)
    return resolve_place(
        place.replace("{region}", language),
        items_root=items_root,
        owner=f"suite {suite.name}",
        source=suite.source,
    )


def resolve_place(place: str, *, items_root: Path | None, owner: str, source: str) -> Path:
    """Return the file that a place names (it may not exist): shipped, the user's, or below a root.

    Args:
        place: a path, or one after ``sample:`` or ``items:``; there, one that ends in ``.gz`` too.
        items_root: the user's folder of benchmarks.
        owner: what needs the file, for the message.
        source: where the user gets it from, for the message.

    Raises:
        MissingItems: it lies in the user's folder, and none is named.
    """
    if not place.startswith(ITEMS_PREFIX):
        return resolve_sample(place)
    if items_root is None:
        raise MissingItems(
            f"{owner} is not shipped: set items_root to the folder with "
            f"{place.removeprefix(ITEMS_PREFIX)} in it, from {source}"
        )
    found = _below(items_root, place)
    return found[0] if found else items_root.expanduser() / place.removeprefix(ITEMS_PREFIX)


def _below(items_root: Path, place: str) -> list[Path]:
    """Return the files of a place in the user's folder, or in one of its folders."""
    root, plain = items_root.expanduser(), place.removeprefix(ITEMS_PREFIX)
    for pattern in (plain, f"{plain}.gz", f"*/{plain}", f"*/{plain}.gz"):
        if found := sorted(path for path in root.glob(pattern) if path.is_file()):
            return found[:1]
    return []


def held_splits(suite: Suite) -> list[str]:
    """Return the splits that no training row may share: all but ``train``, test first."""
    return sorted(set(suite.items) - {"train"}, key=lambda split: (split != "test", split))


def held_files(suite: Suite, *, split: str, items_root: Path | None) -> list[Path]:
    """Return the files with a split's items in all languages; none where they are not there.

    Raises:
        UserError: the items lie in the user's folder, and none is named.
    """
    place = suite.items[split]
    if suite.hub is not None and place.startswith(HUB_PREFIX):
        return sorted(items_path(suite, split=split, language=code) for code in suite.languages)
    places = [place.replace("{region}", code) for code in region_codes()]
    if not place.startswith(ITEMS_PREFIX):
        paths = [resolve_sample(one) for one in places]
        files = [path for plain in paths for path in (plain, plain.with_name(f"{plain.name}.gz"))]
        return sorted({path for path in files if path.is_file()})
    if items_root is None:
        raise UserError(
            f"suite {suite.name} is not shipped: set decontaminate.items_root to the folder "
            f"with {place.removeprefix(ITEMS_PREFIX)} in it, from {suite.source}"
        )
    return sorted({path for one in places for path in _below(items_root, one)})


def topic_messages(region: Region, suite: Suite, text: str) -> list[Message]:
    """Return the prompt for one text: the instruction with its labels, then the text.

    The one place where this prompt is made, for training rows and for evaluation alike.
    """
    return [
        Message(role="system", content=region.prompt(suite.task, suite.labels)),
        Message(role="user", content=text),
    ]
