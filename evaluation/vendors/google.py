"""Gemini through Google's own SDK."""

from typing import cast

from google.genai import types

from ...data.manifest import Json
from ..reply import State
from ..retry import Again
from .google_batches import GoogleBatches
from .google_client import google_call, open_client, open_web
from .key import Key
from .question import Answer, Question, Usage
from .reading import Read, answer_from, list_in, number, object_in, text_in
from .settings import VendorConfig
from .vendor import Batches

_ENDS = {
    "STOP": State.ok,
    "MAX_TOKENS": State.truncated,
    "CONTINUATION": State.truncated,
    "SAFETY": State.blocked,
    "RECITATION": State.blocked,
    "LANGUAGE": State.blocked,
    "BLOCKLIST": State.blocked,
    "PROHIBITED_CONTENT": State.blocked,
    "SPII": State.blocked,
    "MODEL_ARMOR": State.blocked,
    "ESCALATION": State.blocked,
}
_NOT_OF_THE_REPLY = {"sdk_http_response", "parsed", "automatic_function_calling_history"}


class GoogleVendor:
    """One model of Google, behind its API for keys or in a cloud project."""

    def __init__(self, config: VendorConfig, key: Key) -> None:
        self._config = config
        self._web = open_web(config, key)
        self._client = open_client(config, self._web)
        self.batches: Batches | None = None
        if config.has_batches:
            self.batches = GoogleBatches(
                config, self._client, request=content_request, read=read_content
            )

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        return self._config.model

    async def check(self) -> None:
        """Look the model up."""
        async with google_call(self._config):
            await self._client.aio.models.get(model=self.model)

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once."""
        contents, settings = content_request(self._config, question)
        async with google_call(self._config):
            found = await self._client.aio.models.generate_content(
                model=self.model, contents=cast(types.ContentListUnion, contents), config=settings
            )
        return read_content(found, requested=self.model)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aio.aclose()
        await self._web.aclose()


def content_request(
    config: VendorConfig, question: Question
) -> tuple[list[types.Content], types.GenerateContentConfig]:
    """Return the turns, and the settings of the answer."""
    roles = {"user": "user", "assistant": "model"}
    turns = [
        types.Content(role=roles[turn["role"]], parts=[types.Part(text=turn["content"])])
        for turn in question.messages
        if turn["role"] != "system"
    ]
    system = [turn["content"] for turn in question.messages if turn["role"] == "system"]
    effort = types.ThinkingLevel(config.effort.upper()) if config.effort else None
    return turns, types.GenerateContentConfig(
        system_instruction="\n\n".join(system) or None,
        max_output_tokens=config.longest_output(question.max_tokens),
        temperature=config.temperature,
        seed=None if config.seed is None else config.seed + question.sample,
        thinking_config=types.ThinkingConfig(thinking_level=effort) if effort else None,
        response_mime_type="application/json" if question.schema is not None else None,
        response_json_schema=None if question.schema is None else dict(question.schema),
        automatic_continuation=False,  # else the SDK asks, and pays, again by itself
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def read_content(found: types.GenerateContentResponse, *, requested: str) -> Answer:
    """Return the answer in a response; thoughts stand beside it and are not read.

    Raises:
        Again: it is none, or not whole.
    """
    raw = cast(
        dict[str, Json],
        found.model_dump(mode="json", exclude_none=True, exclude=_NOT_OF_THE_REPLY),
    )
    blocked = text_in(object_in(raw.get("prompt_feedback")).get("block_reason"))
    candidates = list_in(raw.get("candidates"))
    first = object_in(candidates[0]) if candidates else {}
    end = text_in(first.get("finish_reason"))
    if not end and not blocked:
        raise Again("the reply is no generated content, or not whole")
    parts = [object_in(part) for part in list_in(object_in(first.get("content")).get("parts"))]
    read = Read(
        text="".join(text_in(part.get("text")) for part in parts if not part.get("thought")),
        end=_ENDS.get(end, State.error) if end else State.blocked,
        model=text_in(raw.get("model_version")),
        usage=_usage(object_in(raw.get("usage_metadata"))),
    )
    answer = answer_from(read, requested=requested, raw=raw)
    return answer._replace(request_id=text_in(raw.get("response_id")))


def _usage(said: dict[str, Json]) -> Usage | None:
    if not said:
        return None
    thoughts = number(said.get("thoughts_token_count"))
    return Usage(
        input_tokens=number(said.get("prompt_token_count")),
        output_tokens=number(said.get("candidates_token_count")) + thoughts,
        cached_tokens=number(said.get("cached_content_token_count")),
        reasoning_tokens=thoughts,
    )
