"""Conversations out of the forms in which chat data is stored: one list of turns for all of them.

What a reply calls and what a tool returns are kept as text: a call is the JSON object that Llama
3.1's template writes for it, a result is a turn with the role ``tool``, the list of tools goes
into the system turn.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from .message import Message
from .settings import ChatFormat, Source

Row = Mapping[str, object]

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
}


def to_messages(values: Row, source: Source) -> list[Message]:
    """Return the turns of one row: perhaps ``system``, then ``user``, ``assistant`` and ``tool``.

    Args:
        values: the row as it is stored.
        source: says its form, and which columns are called otherwise.

    Raises:
        ValueError: a field is missing or has no text, a role is unknown, or no reply is at the end.
    """
    names = source.columns
    if source.chat_format is ChatFormat.messages:
        names = {"messages": source.messages_field, **names}
    row = {name: values.get(names.get(name, name)) for name in _FIELDS[source.chat_format]}
    missing = [name for name in _NEEDED[source.chat_format] if row[name] is None]
    if missing:
        raise ValueError(
            f"no column {names.get(missing[0], missing[0])!r} (the row has {', '.join(values)})"
        )
    messages = _READERS[source.chat_format](row)
    messages = _with_tools(messages, row.get("tools"))
    check_turns(messages)
    return messages


def read_turns(value: object) -> list[Message]:
    """Return the turns of a list of objects with ``role`` and ``content``."""
    return [_turn(turn, role="role", content="content") for turn in _list(value)]


def system_turn(row: Row) -> list[Message]:
    """Return what stands in the column ``system`` as a turn, if anything does."""
    text = row.get("system")
    return [Message(role="system", content=text_of(text))] if text else []


def _from_messages(row: Row) -> list[Message]:
    return read_turns(row["messages"])


def _from_sharegpt(row: Row) -> list[Message]:
    turns = [_turn(turn, role="from", content="value") for turn in _list(row["conversations"])]
    return [*system_turn(row), *turns]


def _from_alpaca(row: Row) -> list[Message]:
    messages = system_turn(row)
    for pair in _list(row.get("history") or []):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"history holds no pair of question and reply: {str(pair)[:80]}")
        messages.append(Message(role="user", content=text_of(pair[0])))
        messages.append(Message(role="assistant", content=text_of(pair[1])))
    more = text_of(row["input"]) if row.get("input") else ""
    question = f"{text_of(row['instruction'])}\n\n{more}" if more.strip() else row["instruction"]
    messages.append(Message(role="user", content=text_of(question)))
    return [*messages, Message(role="assistant", content=text_of(row["output"]))]


def _from_prompt(row: Row) -> list[Message]:
    """Read text, or turns as TRL stores them."""
    messages = system_turn(row)
    for name, role in (("prompt", "user"), ("completion", "assistant")):
        value = row[name]
        if isinstance(value, list):
            messages += read_turns(value)
        else:
            messages.append(Message(role=role, content=text_of(value)))
    return messages


_READERS: dict[ChatFormat, Callable[[Row], list[Message]]] = {
    ChatFormat.messages: _from_messages,
    ChatFormat.sharegpt: _from_sharegpt,
    ChatFormat.alpaca: _from_alpaca,
    ChatFormat.prompt: _from_prompt,
}
_FIELDS: dict[ChatFormat, tuple[str, ...]] = {
    ChatFormat.messages: ("messages", "tools"),
    ChatFormat.sharegpt: ("conversations", "system", "tools"),
    ChatFormat.alpaca: ("instruction", "input", "output", "system", "history"),
    ChatFormat.prompt: ("prompt", "completion", "system"),
}
_NEEDED: dict[ChatFormat, tuple[str, ...]] = {
    ChatFormat.messages: ("messages",),
    ChatFormat.sharegpt: ("conversations",),
    ChatFormat.alpaca: ("instruction", "output"),
    ChatFormat.prompt: ("prompt", "completion"),
}


def _list(value: object) -> list[object]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)  # some data sets keep the turns as JSON text; errors: ValueError
    if isinstance(value, dict) and value:  # a column for each key, as older `datasets` stores turns
        columns = cast("dict[str, list[object]]", value)
        return [
            dict(zip(columns, turn, strict=True)) for turn in zip(*columns.values(), strict=True)
        ]
    if not isinstance(value, list):
        raise ValueError(f"turns are no list: {str(value)[:80]}")
    return value


def _turn(turn: object, *, role: str, content: str) -> Message:
    if not isinstance(turn, dict):
        raise ValueError(f"a turn is no object: {str(turn)[:80]}")
    known = _ROLES.get(str(turn.get(role)))
    if known is None:
        raise ValueError(
            f"a turn has the {role} {turn.get(role)!r}, not one of {', '.join(_ROLES)}"
        )
    if calls := turn.get("tool_calls"):
        return Message(role=known, content=_calls(calls, said=turn.get(content)))
    return Message(role=known, content=text_of(turn.get(content)))


def _calls(calls: object, *, said: object) -> str:
    """Return tool calls as the text that the model is to write, one JSON object a line."""
    lines = [text_of(said)] if said else []
    for call in _list(calls):
        function = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise ValueError(f"a tool call names no function: {str(call)[:80]}")
        arguments = function.get("arguments") or {}
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        call_text = {"name": function["name"], "parameters": arguments}
        lines.append(json.dumps(call_text, ensure_ascii=False))
    return "\n".join(lines)


def _with_tools(messages: list[Message], tools: object) -> list[Message]:
    if not tools:
        return messages
    listed = tools if isinstance(tools, str) else json.dumps(tools, ensure_ascii=False)
    if messages and messages[0]["role"] == "system":
        first = Message(role="system", content=f"{messages[0]['content']}\n\n{listed}")
        return [first, *messages[1:]]
    return [Message(role="system", content=listed), *messages]


def text_of(value: object) -> str:
    """Return a turn's text; a list of parts is joined where all of them are text."""
    if isinstance(value, list) and value:
        parts = [part.get("text") if isinstance(part, dict) else None for part in value]
        if not all(isinstance(part, str) for part in parts):
            raise ValueError("a turn holds more than text: images and sound cannot be trained")
        value = "\n".join(cast("list[str]", parts))
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a turn has no text: {str(value)[:80]}")
    return value


def check_turns(messages: Sequence[Message]) -> None:
    """Refuse turns from which nothing can be learnt.

    Raises:
        ValueError: no reply is at the end, or turns stand in an order that no template knows.
    """
    roles = [turn["role"] for turn in messages]
    if not roles or roles[-1] != "assistant":
        raise ValueError("the last turn is not the assistant's: nothing to train on")
    if "user" not in roles[: roles.index("assistant")]:
        raise ValueError("the first reply answers nobody: no user's turn stands before it")
    if "system" in roles[1:]:
        raise ValueError("a system turn stands behind other turns: it must be the first")
