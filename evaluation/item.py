"""One question as a system gets it, with what its answer is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..data.manifest import Json
from ..data.message import Message
from .checks.expectation import Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a suite, asked in one language; ids are equal across languages."""

    id: str
    language: str
    """Region code of the language that is evaluated."""
    messages: list[Message]
    """The whole prompt, in the words that every system gets."""
    choices: tuple[str, ...] = ()
    """Labels or letters that a reply may name; empty for open questions."""
    gold: tuple[str, ...] = ()
    """The right choice, or the references; empty where nothing is right or wrong."""
    cluster: str
    """Items with the same one hang together; its own id where an item stands alone."""
    category: str = ""
    expect: Expectation
    """The language that the reply should be in."""
    row: Mapping[str, Json]
    """The item as it stands in its file."""


class Mark(NamedTuple):
    """What one reply is worth."""

    value: float | None
    """From 0 to 1; None where nothing is right or wrong, or only the whole corpus is scored."""
    answer: str | None
    """The choice that the reply names, or the text that was scored; None where it names none."""
