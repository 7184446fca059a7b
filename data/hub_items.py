"""A benchmark that lies on the Hugging Face Hub: read once at a pinned commit, kept as JSON Lines.

From there on it is a file of items like any other: hashed, kept out of training, read without a
network. ``datasets`` opens it as a stream; code of a data set is never run.
"""

import ast
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from .errors import UserError
from .manifest import Json, sha256_of_json, write_text
from .model_cache import cache_folder
from .progress import say

HUB_PREFIX = "hub:"
"""Stands before a split of the suite's data set on the Hub: ``hub:test``."""
LETTERS = "ABCDEFGHIJ"

_KINDS = ("parquet", "csv", "json")
"""Files that are read; what ``datasets`` opens besides them is refused."""
_MAX_BROKEN = 0.01
"""So large a share of rows may lack an option or the answer; they are named, and left out."""
_NEEDED = ("id", "question", "context", "premise", "asks")
"""Fields that may not be empty; a subject or a level may."""
_FORM = 1
"""Of the kept files; raise it when ``to_item`` writes the same rows differently."""


class MissingItems(UserError):
    """A suite's items are not there: in this language, or at all."""


class AnswerAs(StrEnum):
    """What the column with the right answer holds."""

    index0 = "index0"
    """The number of the option, from 0 on."""
    index1 = "index1"
    """The number of the option, from 1 on."""
    letter = "letter"
    """A, B, C ..."""
    text = "text"
    """The option's own text."""
    column = "column"
    """The name of the column with the right option."""


@dataclass(kw_only=True, slots=True)
class HubItems:
    """Where a benchmark lies on the Hub, and which of its columns is which of our fields."""

    id: str
    """As in ``org/name``."""
    revision: str = ""
    """Commit of 40 hexadecimal digits: a branch may change under a finished comparison."""
    configs: dict[str, str]
    """Name of the data set's configuration by region code; empty where it has only one."""
    file: str = ""
    """One CSV, Parquet or JSONL file of the repository, where it has no configurations."""
    columns: dict[str, str] = field(default_factory=dict)
    """Our field, and the column it comes from; ``id: link+number`` joins two."""
    choices: list[str] = field(default_factory=list)
    """Columns with one option each; or one column with all of them, a list or lettered lines."""
    answer: str = "answer"
    """Column with the right answer."""
    answer_as: AnswerAs = AnswerAs.index0
    gated: bool = False
    """True where terms have to be accepted on the Hub first."""

    def __post_init__(self) -> None:
        self.answer_as = AnswerAs(self.answer_as)
        if self.id.count("/") != 1 or not self.configs or not self.choices:
            raise ValueError(
                f"suite.hub needs an id as in org/name, configs by region, and choices: got "
                f"id={self.id!r}, configs={self.configs}, choices={self.choices}"
            )
        if self.revision and not re.fullmatch("[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"suite.hub.revision={self.revision} is no commit of 40 hexadecimal digits, as the "
                f"history of https://huggingface.co/datasets/{self.id} lists them"
            )

    def path(self, suite: str, *, split: str, language: str) -> Path:
        """Return the file with the items, which is read from the Hub where it is not here yet.

        Args:
            suite: name of the suite, for ids, messages and the file's place.
            split: as the data set calls it.
            language: region code, one of ``configs``.

        Raises:
            UserError: no commit is pinned, or rows do not have these columns.
            MissingItems: the Hub refuses, lacks it, or cannot be reached.
        """
        if not self.revision:
            raise UserError(
                f"suite {suite} lies on the Hub ({self.id}) and names no commit: pin a commit: "
                f"suite.hub.revision=COMMIT, or hub.revision in your own copy of "
                f"configs/suite/{suite}.yaml (--config-dir)"
            )
        made_from: dict[str, Json] = {
            "form": _FORM,
            "id": self.id,
            "revision": self.revision,
            "config": self.configs[language],
            "file": self.file,
            "split": split,
            "columns": dict[str, Json](self.columns),
            "choices": list[Json](self.choices),
            "answer": [self.answer, self.answer_as.value],
        }
        name = f"{split}-{language}-{sha256_of_json(made_from)[:12]}.jsonl"
        path = cache_folder() / "items" / suite / name
        if not path.is_file():
            say("items", f"reads {self._place(split, language)} from the Hub")
            items = self._items(suite, split=split, language=language)
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
            write_text(path, "".join(lines))
        return path

    def _items(self, suite: str, *, split: str, language: str) -> list[dict[str, Json]]:
        """Return all rows as items; a few that cannot be asked are named and left out."""
        items: list[dict[str, Json]] = []
        broken: list[str] = []
        for number, row in enumerate(self._read(split, language)):
            try:
                items.append(self.to_item(row, default_id=f"{suite}/{number}"))
            except ValueError as error:
                broken.append(f"row {number + 1}: {error}")
        if len(broken) > _MAX_BROKEN * len(items):
            raise UserError(
                f"{self._place(split, language)} has {len(broken)} rows of "
                f"{len(broken) + len(items)} that suite {suite} cannot ask, {broken[0]}: correct "
                f"hub in configs/suite/{suite}.yaml"
            )
        if broken:
            say("items", f"left out {len(broken)} of {len(broken) + len(items)}, {broken[0]}")
        return items

    def _read(self, split: str, language: str) -> Iterator[Mapping[str, object]]:
        """Yield the rows of one split, in the order of the data set.

        Raises:
            MissingItems: it cannot be opened, or broke off.
        """
        import httpx2  # huggingface_hub's own client, whose errors it lets through

        try:
            yield from _open(self, split=split, config=self.configs[language])
        except (OSError, ValueError, RuntimeError, httpx2.HTTPError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise MissingItems(
                f"{self._place(split, language)} cannot be read from the Hub ({reason}): "
                f"{_cure(self, reason)}"
            ) from error

    def _place(self, split: str, language: str) -> str:
        words = (self.id, self.configs[language], split, "at", self.revision[:12])
        return " ".join(word for word in words if word)

    def to_item(self, row: Mapping[str, object], *, default_id: str) -> dict[str, Json]:
        """Return a row of the data set in our fields.

        Raises:
            ValueError: a column is missing, or the answer is none of the options.
        """
        item: dict[str, Json] = {"id": default_id}
        for ours, theirs in self.columns.items():
            values = [_value(row, name) for name in theirs.split("+")]
            if ours in _NEEDED:
                _refuse_empty(theirs, values)
            item[ours] = values[0] if len(values) == 1 else "/".join(map(str, values))
        item["id"] = str(item["id"])
        choices = self._choices(row)
        item["choices"] = list[Json](choices)
        item["answer"] = self._answer(_value(row, self.answer), choices)
        return item

    def _choices(self, row: Mapping[str, object]) -> list[str]:
        if len(self.choices) > 1:
            values = [_value(row, name) for name in self.choices]
            _refuse_empty(", ".join(self.choices), values)
            return [str(value) for value in values]
        options = _value(row, self.choices[0])
        found = [str(option) for option in options] if isinstance(options, list) else []
        return found or _lettered(str(options))

    def _answer(self, value: object, choices: list[str]) -> int:
        text = str(value).strip()
        match self.answer_as:
            case AnswerAs.index0 | AnswerAs.index1:
                first = 0 if self.answer_as is AnswerAs.index0 else 1
                index = int(text) - first if re.fullmatch("[0-9]+", text) else -1
            case AnswerAs.letter:
                index = LETTERS.find(text.upper()) if len(text) == 1 else -1
            case AnswerAs.text:
                index = choices.index(text) if text in choices else -1
            case AnswerAs.column:
                index = self.choices.index(text) if text in self.choices else -1
        if not 0 <= index < len(choices):
            raise ValueError(
                f"{self.answer} is {text!r}, which names none of {len(choices)} options "
                f"(answer_as: {self.answer_as.value})"
            )
        return index


def _value(row: Mapping[str, object], name: str) -> Json:
    if name not in row:
        raise ValueError(f"no column {name!r} (the row has {', '.join(row)})")
    return row[name]  # pyright: ignore[reportReturnType]  CSV, JSON and Parquet rows of plain values


def _refuse_empty(columns: str, values: list[Json]) -> None:
    if any(value is None or value == "" for value in values):
        raise ValueError(f"{columns} is empty")


def _lettered(text: str) -> list[str]:
    """Return the options of lines that begin ``A.``, ``B.`` ..., or of such a list as text."""
    if text.startswith("["):
        try:
            lines = [str(option) for option in ast.literal_eval(text)]
        except (ValueError, SyntaxError, TypeError) as error:
            raise ValueError(f"the options are no list: {text[:60]!r}") from error
        return [re.sub(r"^[A-J][.)]\s*", "", line).strip() for line in lines]
    parts = re.split(r"^\s*([A-J])[.)]\s*", text, flags=re.MULTILINE)[1:]
    options = [part.strip() for part in parts[1::2]]
    if len(options) < 2 or "".join(parts[::2]) != LETTERS[: len(options)]:
        raise ValueError(f"the options are no lines with letters from A on: {text[:60]!r}")
    return options


def _open(hub: HubItems, *, split: str, config: str) -> Iterator[Mapping[str, object]]:
    from datasets import load_dataset_builder

    token = os.environ.get("HF_TOKEN") or False  # no token on the disk is used
    if hub.file:
        kind = hub.file.rpartition(".")[2].replace("jsonl", "json")
        place = f"hf://datasets/{hub.id}@{hub.revision}/{hub.file}"
        made = load_dataset_builder(kind, data_files={split: place}, token=token)
    else:
        place = f"hf://datasets/{hub.id}"  # never a folder of that name on this machine
        made = load_dataset_builder(place, config or None, revision=hub.revision, token=token)
    kind = type(made).__module__.rpartition(".")[2]
    if kind not in _KINDS:
        raise ValueError(f"its files are of the kind {kind}, not one of {', '.join(_KINDS)}")
    yield from cast("Iterable[Mapping[str, object]]", made.as_streaming_dataset(split=split))


def _cure(hub: HubItems, reason: str) -> str:
    if hub.gated or "gated" in reason or re.search(r"\b40[13]\b", reason):
        page = f"https://huggingface.co/datasets/{hub.id}"
        return f"accept its terms at {page} and set HF_TOKEN in the environment"
    return (
        "check hub.id, revision, configs and split in the suite's file, the network, HF_ENDPOINT, "
        "HF_HUB_OFFLINE and HF_TOKEN"
    )
