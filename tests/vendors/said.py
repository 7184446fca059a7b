"""What a wire makes of a request, and what the server says to it."""

import hashlib
import json
from typing import NamedTuple

_CHARACTERS_OF_A_TOKEN = 4


class Prompt(NamedTuple):
    """A question, whatever the format it came in."""

    vendor: str
    model: str
    messages: tuple[tuple[str, str], ...]
    """Role and content."""
    max_tokens: int
    schema: dict | None = None
    marks_cache: bool = True
    """Whether what stands before the last turn may be kept in a cache."""
    bills_writes: bool = True
    """Whether the vendor tells what it has written there."""

    @property
    def text(self) -> str:
        """Return the last turn."""
        return self.messages[-1][1] if self.messages else ""


class Said(NamedTuple):
    """A whole answer."""

    text: str
    end: str = "ok"
    """ok, truncated, refused, blocked, or a word that no vendor knows."""
    model: str = ""
    """Which is said to have answered; empty: the one that was asked."""
    thinking: str = ""
    """Stands before the answer, as an item of its own where the wire has that; counts as output."""


class Tokens(NamedTuple):
    """What an answer costs."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


def usual_answer(prompt: Prompt) -> Said:
    """Return the same short answer to the same question, of the shape that was asked for."""
    if prompt.schema is not None:
        return Said(json.dumps(_instance(prompt.schema), ensure_ascii=False))
    content = json.dumps(prompt.messages, ensure_ascii=False).encode()
    return Said(f"answer {hashlib.sha256(content).hexdigest()[:12]}")


def cut(said: Said, prompt: Prompt) -> Said:
    """Return the answer within the question's longest allowed length."""
    most = prompt.max_tokens * _CHARACTERS_OF_A_TOKEN
    if len(said.text) + len(said.thinking) <= most or said.end != "ok":
        return said
    thinking = said.thinking[:most]
    return said._replace(text=said.text[: most - len(thinking)], thinking=thinking, end="truncated")


def count_tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_OF_A_TOKEN)


def _instance(schema: dict) -> object:
    """Return the first value that fits a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema.get("items", {}))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "because"
