"""What one vendor's wire format has to know; the server asks it, and does the rest."""

import json
from collections.abc import Callable
from typing import NamedTuple, Protocol

from .desk import Desk
from .said import Prompt, Said, Tokens


class Asked(NamedTuple):
    """A request, without the first part of its path, which names the vendor."""

    vendor: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict:
        return json.loads(self.content or b"{}")


class Refused(Exception):
    """A request that a vendor would not take."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.reason = code, message, reason


class Call(NamedTuple):
    """What a request wants."""

    on: str
    """ask, models, file, file_content, batch_create, ..."""
    prompt: Prompt | None = None
    """Of an ask."""
    streams: bool = False
    """Whether an ask wants its reply piece by piece."""
    work: Callable[[], dict | bytes] | None = None
    """What is done for anything else; returns the reply's body."""


class Wire(Protocol):
    """The wire format of a vendor."""

    def call(self, asked: Asked, desk: Desk) -> Call | None:
        """Return what is wanted; None for a path that is not known."""
        ...

    def key(self, headers: dict[str, str]) -> str:
        """Return the key that was sent."""
        ...

    def answer(self, asked: Asked, prompt: Prompt, said: Said, tokens: Tokens) -> dict:
        """Return the reply's body."""
        ...

    def error(self, code: int, message: str, reason: str) -> tuple[dict, dict[str, str]]:
        """Return body and headers of an error."""
        ...
