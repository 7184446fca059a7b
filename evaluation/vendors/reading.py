"""From a vendor's reply to an answer in a named state."""

from collections.abc import Mapping
from typing import NamedTuple

from ...data.manifest import Json
from ..reply import State
from .question import Answer, Usage
from .same_model import same_model


class Read(NamedTuple):
    """What an adapter reads from a reply."""

    text: str
    end: State
    """How the vendor says that it ended; ``ok`` where nothing stood in the way."""
    model: str
    usage: Usage | None


def answer_from(
    read: Read, *, requested: str, raw: Mapping[str, Json], request_id: str = ""
) -> Answer:
    """Return the answer; another model than was asked outweighs all that it said.

    An answer that reached its longest allowed length is truncated also where nothing is left of
    it: reasoning has used it up. One that ended by itself without a word is empty.
    """
    state = read.end
    if not same_model(requested, read.model):
        state = State.wrong_model
    elif state is State.ok and not read.text.strip():
        state = State.empty
    return Answer(read.text, state, read.model, read.usage, request_id, raw)


def number(value: object) -> int:
    """Return a count of tokens; vendors leave out those that are 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def object_in(value: object) -> dict[str, Json]:
    """Return the object that stands in a reply's field, empty where there is none."""
    return value if isinstance(value, dict) else {}


def list_in(value: object) -> list[Json]:
    """Return the list that stands in a reply's field, empty where there is none."""
    return value if isinstance(value, list) else []


def text_in(value: object) -> str:
    """Return the text that stands in a reply's field, empty where there is none."""
    return value if isinstance(value, str) else ""
