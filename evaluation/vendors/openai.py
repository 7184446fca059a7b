"""GPT through OpenAI's own SDK: the Responses API."""

import hashlib
from typing import cast

from ...data.manifest import Json
from ..reply import State
from ..retry import Again
from .body import json_of
from .failure import error_of_code
from .key import Key
from .openai_batches import OpenAIBatches
from .openai_client import open_client, openai_call
from .question import Answer, Question, Usage
from .reading import Read, answer_from, list_in, number, object_in, text_in
from .settings import VendorConfig

_INCOMPLETE = {"max_output_tokens": State.truncated, "content_filter": State.blocked}
_CACHE_KEY_LENGTH = 32


class OpenAIVendor:
    """One model of OpenAI."""

    def __init__(self, config: VendorConfig, key: Key) -> None:
        self._config = config
        self._client = open_client(config, key)
        self.batches = OpenAIBatches(
            config, self._client, request=response_request, read=read_response
        )

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        return self._config.model

    async def check(self) -> None:
        """Look the model up."""
        async with openai_call(self._config):
            await self._client.models.with_raw_response.retrieve(self.model)

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once."""
        async with openai_call(self._config):
            found = await self._client.responses.with_raw_response.create(
                **cast(dict, response_request(self._config, question))
            )
        answer = read_response(json_of(found.text), requested=self.model)
        return answer._replace(request_id=found.request_id or "")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def response_request(config: VendorConfig, question: Question) -> dict[str, Json]:
    """Return the arguments of the SDK's call, which are also a batch line's body."""
    request: dict[str, Json] = {
        "model": config.model,
        "input": [dict(message) for message in cast(list, question.messages)],
        "max_output_tokens": config.longest_output(question.max_tokens),
        "prompt_cache_key": _cache_key(question),
        "store": False,  # else the vendor keeps question and answer for 30 days
    }
    if config.temperature is not None:
        request["temperature"] = config.temperature
    if config.effort:
        request["reasoning"] = {"effort": config.effort}
    if question.schema is not None:
        shape = {"type": "json_schema", "name": "answer", "strict": True}
        request["text"] = {"format": {**shape, "schema": dict(question.schema)}}
    return request


def read_response(raw: dict[str, Json], *, requested: str) -> Answer:
    """Return the answer in a response.

    Raises:
        Again: it is none, it is not finished, or the vendor failed.
        Rejected: the vendor will not have this prompt.
    """
    status = text_in(raw.get("status"))
    if status == "failed":
        error = object_in(raw.get("error"))
        raise error_of_code(text_in(error.get("code")), text_in(error.get("message")))
    if status not in ("completed", "incomplete"):
        raise Again("the reply is no response, or not whole")
    said, refusal = _said(raw)
    end = State.refused if refusal else State.ok
    if status == "incomplete":
        reason = text_in(object_in(raw.get("incomplete_details")).get("reason"))
        end = _INCOMPLETE.get(reason, State.error)
    read = Read(said or refusal, end, text_in(raw.get("model")), _usage(raw))
    return answer_from(read, requested=requested, raw=raw)


def _said(raw: dict[str, Json]) -> tuple[str, str]:
    """Return the answer's text and its refusal; reasoning stands beside it and is not read."""
    said, refusal = [], []
    for item in list_in(raw.get("output")):
        for part in list_in(object_in(item).get("content")):
            kind = object_in(part).get("type")
            if kind == "output_text":
                said.append(text_in(object_in(part).get("text")))
            elif kind == "refusal":
                refusal.append(text_in(object_in(part).get("refusal")))
    return "".join(said), "".join(refusal)


def _usage(raw: dict[str, Json]) -> Usage | None:
    said = object_in(raw.get("usage"))
    if not said:
        return None
    entered, left = (object_in(said.get(f"{side}_tokens_details")) for side in ("input", "output"))
    return Usage(
        input_tokens=number(said.get("input_tokens")),
        output_tokens=number(said.get("output_tokens")),
        cached_tokens=number(entered.get("cached_tokens")),
        cache_write_tokens=number(entered.get("cache_write_tokens")),
        reasoning_tokens=number(left.get("reasoning_tokens")),
    )


def _cache_key(question: Question) -> str:
    """Return the same short name for all questions that begin alike; it leads them to one cache."""
    first = question.messages[0]["content"] if len(question.messages) > 1 else question.language
    return hashlib.sha256(first.encode("utf-8")).hexdigest()[:_CACHE_KEY_LENGTH]
