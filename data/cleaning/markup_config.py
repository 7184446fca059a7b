"""What the markup step can be told; imports nothing heavy."""

from dataclasses import dataclass
from enum import Enum


class Code(Enum):
    """What becomes of fenced code blocks."""

    keep = "keep"
    """They stay, fence and all."""
    drop = "drop"
    """They go, and are counted."""


@dataclass(kw_only=True, slots=True)
class MarkupConfig:
    """What to do with markup in running text; conversations and task rows keep theirs."""

    code: Code = Code.keep
    """``drop`` for a corpus of prose: most code is English to every language gate."""
    rejoin: bool = True
    """Join lines that were broken at a width. False where line breaks carry meaning throughout."""
