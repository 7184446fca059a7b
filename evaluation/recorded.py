"""Replies from a frozen recording, matched to the suite's items by id."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..data.errors import UserError
from ..data.manifest import Json
from ..data.suite import resolve_place
from .generations import Part
from .item import Item
from .items import read_lines
from .reply import Reply, State
from .settings import BaselineConfig


def recording_path(
    baseline: BaselineConfig, language: str, *, items_root: Path | None = None
) -> Path:
    """Return the recording's file in one language.

    Raises:
        UserError: there is none, or it needs the user's folder of benchmarks and none is named.
    """
    place = baseline.path.replace("{region}", language)
    owner = f"the recording of {baseline.label}"
    path = resolve_place(place, items_root=items_root, owner=owner, source=baseline.source)
    if not path.is_file():
        raise UserError(f"{baseline.label} was not recorded in {language!r}: {path} does not exist")
    return path.resolve()


def read_recording(baseline: BaselineConfig, part: Part, *, path: Path, system: str) -> list[Reply]:
    """Return one reply per item, in the items' order; an item the recording lacks is an error.

    Raises:
        UserError: a line is broken, belongs to other items or another direction, or the recording
            knows none of the items.
    """
    responses = _responses(path, baseline.model, part)
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


def _responses(path: Path, model: str, part: Part) -> dict[str, str]:
    items = {item.id: item for item in part.items}
    responses: dict[str, str] = {}
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            asked = row["model"] if model else row.get("model", "")
            item_id, response = row["id"], row["response"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}:{number} has no id, model and response") from error
        if asked != model or item_id not in items:
            continue
        if difference := _difference(row, items[item_id], part):
            raise UserError(f"{path}:{number} was recorded for {difference}")
        if item_id in responses:
            raise UserError(f"{path}:{number} is a second reply of {model} to {item_id}")
        responses[item_id] = response
    return responses


def _difference(row: Mapping[str, Json], item: Item, part: Part) -> str:
    """Return how the row shows that it belongs to other items; empty where nothing shows it."""
    wanted = item.gold[0] if item.gold else None
    recorded = row.get("gold", row.get("reference", wanted))
    if recorded != wanted:
        return f"the answer {recorded!r:.60}, the item's is {wanted!r:.60}: these are other items"
    asked = f"en-{item.language}" if part.suite.direction == "from_en" else f"{item.language}-en"
    if part.suite.direction and row.get("direction", asked) != asked:
        return f"the direction {row['direction']}, the suite asks {asked}"
    return ""


def _state(response: str | None) -> State:
    if response is None:
        return State.error
    return State.ok if response.strip() else State.empty
