"""One turn of a conversation; light, so that data and prompts need no tokenizer to be imported."""

from typing import TypedDict


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``; a task row's column until it is asked."""
    content: str
