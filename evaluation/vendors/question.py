"""One paid question and what came back for it, whatever vendor was asked."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...data.manifest import Json, sha256_of_json
from ...data.message import Message
from ..reply import State


class Question(NamedTuple):
    """What is sent, and the name by which its answer is found again."""

    key: str
    """64 hex digits, the hash of all that the answer depends on; fits every vendor's custom id."""
    messages: Sequence[Message]
    """The whole prompt. What many questions begin with alike stands first, so that it is cached."""
    max_tokens: int
    """Longest answer; reasoning tokens count."""
    language: str
    """Region code, for the ledger."""
    schema: Mapping[str, Json] | None = None
    """JSON schema that the answer has to follow; None for plain text."""
    sample: int = 0


class Usage(NamedTuple):
    """Tokens as the vendor counts them; the bill rests on these."""

    input_tokens: int
    """All of the prompt, cached ones included."""
    output_tokens: int
    """All that was generated, reasoning included."""
    cached_tokens: int = 0
    """Of the input: read from the vendor's cache."""
    cache_write_tokens: int = 0
    """Of the input: written to the vendor's cache, where that has its own price."""
    reasoning_tokens: int = 0
    """Of the output: not shown."""


class Answer(NamedTuple):
    """What came back for one question."""

    text: str
    state: State
    model: str
    """As the vendor returns it, which may be another than was asked."""
    usage: Usage | None
    """None where the vendor did not tell; then the reserved cost counts."""
    request_id: str = ""
    raw: Mapping[str, Json] = {}
    """The reply as it came, without keys."""


def question_key(
    system: Mapping[str, Json], messages: Sequence[Message], parameters: Mapping[str, Json]
) -> str:
    """Return the hash that names a question.

    Args:
        system: vendor, requested model, adapter version: all that tells one system from another.
        messages: the whole prompt.
        parameters: longest answer, temperature, effort, schema, item and sample.
    """
    said: list[Json] = [[message["role"], message["content"]] for message in messages]
    return sha256_of_json(
        {"system": dict(system), "messages": said, "parameters": dict(parameters)}
    )
