"""Task rows as native-language instructions: a region's templates, and what they make of a row.

Until ``MakeMessages`` a task row travels as its fields: one Message for each column, whose role is
the column's name. So every step sees premise and hypothesis, question and context apart, and no
step sees a template, which thousands of rows share.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, cast

from .config_files import CONFIG_FOLDER_VARIABLE, read_mapping
from .errors import UserError
from .message import Message
from .settings import Labels

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Template(NamedTuple):
    """One way to ask."""

    ask: str
    """With columns of the row in braces; ``{labels}`` stands for the answers."""
    answer: str
    """The column that holds the right answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What can be asked about rows of one kind, in one language."""

    name: str
    templates: Sequence[Template]
    labels: Mapping[str, str]
    """The data's label and the language's own word for it; empty where the answer is text."""

    @property
    def fields(self) -> list[str]:
        """Columns of running text that a row must have."""
        names = [name for template in self.templates for name in _PLACEHOLDER.findall(template.ask)]
        answers = [] if self.labels else [template.answer for template in self.templates]
        return [name for name in dict.fromkeys([*names, *answers]) if name != "labels"]


class TaskRow(NamedTuple):
    """A task row before it is asked."""

    fields: list[Message]
    """One for each column of text; its role is the column's name."""
    label: str
    """The data's own label; empty where the answer is one of the fields."""


@cache
def load_task(region: str, name: str) -> Task:
    """Return the task's templates and labels in a region's language.

    The user's ``instructions/<region>.yaml`` below ``--config-dir`` is asked first.

    Raises:
        UserError: the region has no such task, or its file is wrong.
    """
    known: list[str] = []
    for path in _paths(region):
        if path.is_file():
            tasks = read_mapping(path)
            if name in tasks:
                return _to_task(name, tasks[name], place=f"{path}: {name}")
            known += tasks
    raise UserError(
        f"region {region} has no instructions for task {name!r} (it has "
        f"{', '.join(sorted(set(known))) or 'none'}): write them into instructions/{region}.yaml "
        "and give that folder with --config-dir"
    )


def read_task_row(values: Mapping[str, object], task: Task, columns: Mapping[str, str]) -> TaskRow:
    """Return the fields and the label of one row.

    Args:
        values: the row as it is stored.
        task: says which fields are needed.
        columns: the row's column for a field that it calls otherwise.

    Raises:
        ValueError: a field is missing or empty, or the label is not one of the task's.
    """
    fields = [
        Message(role=name, content=_text(values, columns.get(name, name))) for name in task.fields
    ]
    if not task.labels:
        return TaskRow(fields, "")
    label = _text(values, columns.get(task.templates[0].answer, task.templates[0].answer))
    if label not in task.labels:
        raise ValueError(f"the label {label!r} is none of {', '.join(task.labels)}")
    return TaskRow(fields, label)


def ask(task: Task, row: TaskRow, *, id: str, seed: int, labels: Labels) -> list[Message]:
    """Return the conversation for one row: a template chosen by its id and the seed, the answer.

    The labels begin at another one in each row, so that their order tells nothing.
    """
    number = _hash(f"{seed}/{task.name}/{id}")
    template = task.templates[number % len(task.templates)]
    texts = {field["role"]: field["content"] for field in row.fields}
    word: Callable[[str], str] = str if labels is Labels.as_is else task.labels.__getitem__
    answer = word(row.label) if task.labels else texts[template.answer]
    words = [word(label) for label in task.labels]
    if words:
        start = number // len(task.templates) % len(words)
        texts["labels"] = ", ".join(words[start:] + words[:start])
    question = _PLACEHOLDER.sub(lambda match: texts[match.group(1)], template.ask)
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def other_label(labels: Sequence[str], right: str, *, id: str, seed: int) -> str:
    """Return a wrong label: always the same one for the same row and seed.

    Raises:
        UserError: the task has no other label.
    """
    wrong = [label for label in labels if label != right]
    if not wrong:
        raise UserError(
            "a source with kind=preference needs a task with two labels or more: without them, "
            "give rows with prompt, chosen and rejected"
        )
    return wrong[_hash(f"{seed}/rejected/{id}") % len(wrong)]


def _text(values: Mapping[str, object], column: str) -> str:
    value = values.get(column)
    if isinstance(value, list) and value:
        value = value[0]  # several right answers: the first is the one that is taught
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"column {column!r} holds no text (the row has {', '.join(values)})")
    return value


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _paths(region: str) -> list[Path]:
    shipped = Path(str(files("lokal.data"))) / "instructions" / f"{region}.yaml"
    own = os.environ.get(CONFIG_FOLDER_VARIABLE)
    return [Path(own) / "instructions" / f"{region}.yaml", shipped] if own else [shipped]


def _to_task(name: str, values: object, *, place: str) -> Task:
    if not isinstance(values, dict) or not values.get("templates"):
        raise UserError(f"{place} has no templates: list one or more")
    if wrong := sorted(set(values) - {"answer", "labels", "templates"}):
        raise UserError(f"{place}: unknown key {wrong[0]!r}: it may have answer, labels, templates")
    answer = values.get("answer", "label")
    templates = [
        Template(item, answer) if isinstance(item, str) else Template(**item)
        for item in values["templates"]
    ]
    labels = cast("dict[str, str]", values.get("labels") or {})
    if len(set(labels.values())) < len(labels):
        raise UserError(f"{place}: two labels have the same word: {labels}")
    if not labels and answer == "label" and any(item.answer == "label" for item in templates):
        raise UserError(f"{place} has neither labels nor answer: name the answer's column")
    return Task(name=name, templates=templates, labels=labels)
