"""Replies from a frozen recording, matched to the suite's items by id."""

import json
from pathlib import Path

from ..data.errors import UserError
from ..data.sample_files import resolve_sample
from .generations import Part
from .reply import Reply, State
from .settings import BaselineConfig


def recording_path(baseline: BaselineConfig, language: str) -> Path:
    """Return the recording's file in one language.

    Raises:
        UserError: there is none.
    """
    path = resolve_sample(baseline.path.replace("{region}", language)).resolve()
    if not path.is_file():
        raise UserError(f"{baseline.label} was not recorded in {language!r}: {path} does not exist")
    return path


def read_recording(baseline: BaselineConfig, part: Part, *, system: str) -> list[Reply]:
    """Return one reply per item, in the items' order; an item the recording lacks is an error.

    Raises:
        UserError: a line is broken, a gold label differs, or the recording knows none of the items.
    """
    path = recording_path(baseline, part.language)
    responses = _responses(path, baseline.model, {item.id: item.gold[0] for item in part.items})
    if not responses:
        raise UserError(
            f"{path} holds no {baseline.model} reply to these items: check split={part.split}"
        )
    return [
        Reply(
            id=item.id,
            language=item.language,
            suite=part.suite.name,
            split=part.split,
            system=system,
            prompt_sha256=None,
            reply=responses.get(item.id, ""),
            state=_state(responses.get(item.id)),
        )
        for item in part.items
    ]


def _responses(path: Path, model: str, gold: dict[str, str]) -> dict[str, str]:
    responses: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            row = json.loads(line)
            item_id, asked, label = row["id"], row["model"], row["gold"]
            response = row["response"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}:{number} has no id, model, gold and response") from error
        if asked != model or item_id not in gold:
            continue
        if label != gold[item_id]:
            raise UserError(
                f"{path}:{number} was recorded for the answer {label!r}, "
                f"the item's is {gold[item_id]!r}: these are other items"
            )
        if item_id in responses:
            raise UserError(f"{path}:{number} is a second reply of {model} to {item_id}")
        responses[item_id] = response
    return responses


def _state(response: str | None) -> State:
    if response is None:
        return State.error
    return State.ok if response.strip() else State.empty
