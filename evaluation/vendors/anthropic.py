"""Claude through Anthropic's own SDK."""

from typing import cast

from ...data.manifest import Json
from ..reply import State
from ..retry import Again
from .anthropic_batches import AnthropicBatches
from .anthropic_client import anthropic_call, open_client
from .body import json_of
from .key import Key
from .question import Answer, Question, Usage
from .reading import Read, answer_from, list_in, number, object_in, text_in
from .settings import VendorConfig

_ENDS = {
    "end_turn": State.ok,
    "stop_sequence": State.ok,
    "max_tokens": State.truncated,
    "model_context_window_exceeded": State.truncated,
    "refusal": State.refused,
}


class AnthropicVendor:
    """One model of Anthropic; has no temperature, which the settings refuse."""

    def __init__(self, config: VendorConfig, key: Key) -> None:
        self._config = config
        self._client = open_client(config, key)
        self.batches = AnthropicBatches(
            config, self._client, request=message_request, read=read_message
        )

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        return self._config.model

    async def check(self) -> None:
        """Look the model up."""
        async with anthropic_call(self._config):
            await self._client.models.with_raw_response.retrieve(self.model)

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once."""
        async with anthropic_call(self._config):
            found = await self._client.messages.with_raw_response.create(
                **cast(dict, message_request(self._config, question)),
                timeout=self._config.timeout_seconds,  # else long answers must be streamed
            )
        answer = read_message(json_of(found.http_response.text), requested=self.model)
        return answer._replace(request_id=found.request_id or "")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def message_request(config: VendorConfig, question: Question) -> dict[str, Json]:
    """Return the arguments of the SDK's call, which are also a batch request's parameters."""
    roles = [turn["role"] for turn in question.messages]
    blocks: list[dict[str, Json]] = [
        {"type": "text", "text": turn["content"]} for turn in question.messages
    ]
    if len(blocks) > 1:  # what many questions begin with stands before the last turn
        blocks[-2]["cache_control"] = {"type": "ephemeral"}
    told = list(zip(roles, blocks, strict=True))
    request: dict[str, Json] = {
        "model": config.model,
        "max_tokens": config.longest_output(question.max_tokens),
        "messages": [
            {"role": role, "content": [block]} for role, block in told if role != "system"
        ],
    }
    if system := [block for role, block in told if role == "system"]:
        request["system"] = cast(list, system)
    output: dict[str, Json] = {"effort": config.effort} if config.effort else {}
    if question.schema is not None:
        output["format"] = {"type": "json_schema", "schema": dict(question.schema)}
    if output:
        request["output_config"] = output
    return request


def read_message(raw: dict[str, Json], *, requested: str) -> Answer:
    """Return the answer in a message; thinking stands beside it and is not read.

    Raises:
        Again: it is none, or not whole.
    """
    end = text_in(raw.get("stop_reason"))
    if raw.get("type") != "message" or not end:
        raise Again("the reply is no message, or not whole")
    blocks = [object_in(block) for block in list_in(raw.get("content"))]
    said = [text_in(block.get("text")) for block in blocks if block.get("type") == "text"]
    read = Read(
        text="".join(said),
        end=_ENDS.get(end, State.error),
        model=text_in(raw.get("model")),
        usage=_usage(object_in(raw.get("usage"))),
    )
    return answer_from(read, requested=requested, raw=raw)


def _usage(said: dict[str, Json]) -> Usage | None:
    if not said:
        return None
    cached, written = (
        number(said.get(f"cache_{kind}_input_tokens")) for kind in ("read", "creation")
    )
    thinking = object_in(said.get("output_tokens_details")).get("thinking_tokens")
    return Usage(
        input_tokens=number(said.get("input_tokens")) + cached + written,
        output_tokens=number(said.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=number(thinking),
    )
