"""Preference pairs out of the forms in which they are stored: two conversations, one beginning.

A pair is kept as two whole conversations. The turns that both begin with are the prompt; what
follows in each is what a judge compared.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .conversations import check_turns, read_turns, system_turn, text_of
from .message import Message
from .settings import Source

Row = Mapping[str, object]
_ASKING = {"system", "user"}


class Pair(NamedTuple):
    """Two whole conversations that begin alike."""

    chosen: list[Message]
    rejected: list[Message]


def to_pair(values: Row, source: Source) -> Pair:
    """Return the pair of one row.

    ``prompt``, ``chosen`` and ``rejected`` are texts or lists of turns; ``chosen`` and ``rejected``
    may be whole conversations, with or without a ``prompt`` beside them.

    Args:
        values: the row as it is stored.
        source: says which columns are called otherwise.

    Raises:
        ValueError: a field is missing, or the two do not answer the same prompt.
    """
    row = {name: values.get(source.columns.get(name, name)) for name in _FIELDS}
    for name in ("chosen", "rejected"):
        if row[name] is None:
            wanted = source.columns.get(name, name)
            raise ValueError(f"no column {wanted!r} (the row has {', '.join(values)})")
    prompt = system_turn(row)
    if row["prompt"] is not None:
        prompt += _turns(row["prompt"], role="user")
    pair = Pair(*(_conversation(row[name], prompt) for name in ("chosen", "rejected")))
    for turns in pair:
        check_turns(turns)
    shared = pair.chosen[: num_shared_turns(*pair)]
    if not any(turn["role"] == "user" for turn in shared):
        raise ValueError("chosen and rejected answer different questions: they share no prompt")
    return pair


def num_shared_turns(chosen: Sequence[Message], rejected: Sequence[Message]) -> int:
    """Return how many turns both begin with: the prompt; the last turn of each is never in it."""
    most = min(len(chosen), len(rejected)) - 1
    return next((n for n in range(most) if chosen[n] != rejected[n]), most)


def replies_of(messages: Sequence[Message], *, behind: int) -> str:
    """Return the assistant's words behind the first so many turns."""
    return "\n".join(turn["content"] for turn in messages[behind:] if turn["role"] == "assistant")


_FIELDS = ("system", "prompt", "chosen", "rejected")


def _conversation(value: object, prompt: list[Message]) -> list[Message]:
    """Return the prompt and the reply, which may be the whole conversation already."""
    turns = _turns(value, role="assistant")
    return turns if turns[0]["role"] in _ASKING else [*prompt, *turns]


def _turns(value: object, *, role: str) -> list[Message]:
    """Return a list of turns, or the text as one turn."""
    is_text = isinstance(value, str) and not value.lstrip().startswith("[{")
    turns = [Message(role=role, content=text_of(value))] if is_text else read_turns(value)
    if not turns:
        raise ValueError("a list of turns is empty")
    return turns
