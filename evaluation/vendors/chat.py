"""Chat completions through the openai SDK: Llama on Vertex and Azure, and any such server."""

from typing import cast

import openai

from ...data.errors import UserError
from ...data.manifest import Json
from ..reply import State
from ..retry import Again
from .body import json_of
from .failure import no_model
from .key import Key
from .openai_client import code_of, open_client, openai_call
from .question import Answer, Question, Usage
from .reading import Read, answer_from, list_in, number, object_in, text_in
from .settings import VendorConfig, VendorKind
from .vendor import Batches

_ENDS = {"stop": State.ok, "length": State.truncated, "content_filter": State.blocked}


class ChatVendor:
    """One model behind an interface like OpenAI's chat completions."""

    batches: Batches | None = None

    def __init__(self, config: VendorConfig, key: Key) -> None:
        self._config = config
        self._client = open_client(config, key)

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        return self._config.model

    async def check(self) -> None:
        """Look the model up, where the service lists what it serves."""
        if self._config.vendor is VendorKind.vertex:
            return  # lists nothing; the first question will tell
        async with openai_call(self._config):
            try:
                found = await self._client.models.with_raw_response.list()
            except openai.NotFoundError:
                return
            except openai.APIConnectionError as error:
                if not self._config.is_local:
                    raise
                raise UserError(
                    f"nothing answers at {self._config.url}: start the server, or correct "
                    "baseline.base_url"
                ) from error
        rows = list_in(json_of(found.text).get("data"))
        served = [text_in(object_in(row).get("id")) for row in rows]
        is_own = self._config.vendor is VendorKind.openai_compatible
        if is_own and served and self.model not in served:  # `transformers serve` lists none
            raise no_model(self._config, served)

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once."""
        async with openai_call(self._config):
            try:
                found = await self._client.chat.completions.with_raw_response.create(
                    **cast(dict, chat_request(self._config, question))
                )
            except openai.BadRequestError as error:
                if code_of(error) != "content_filter":
                    raise
                return Answer("", State.blocked, self.model, None, error.request_id or "")
        answer = read_chat(json_of(found.text), requested=self.model)
        return answer._replace(request_id=found.request_id or "")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def chat_request(config: VendorConfig, question: Question) -> dict[str, Json]:
    """Return the arguments of the SDK's call."""
    request: dict[str, Json] = {
        "model": config.deployment or config.model,
        "messages": [dict(message) for message in cast(list, question.messages)],
        "max_tokens": config.longest_output(question.max_tokens),
    }
    if config.temperature is not None:
        request["temperature"] = config.temperature
    if config.seed is not None:
        request["seed"] = config.seed + question.sample
    if config.effort:
        request["reasoning_effort"] = config.effort
    if question.schema is not None:
        shape: Json = {"name": "answer", "strict": True, "schema": dict(question.schema)}
        request["response_format"] = {"type": "json_schema", "json_schema": shape}
    return request


def read_chat(raw: dict[str, Json], *, requested: str) -> Answer:
    """Return the answer in a chat completion.

    Raises:
        Again: it is none, or the server broke it off.
    """
    choices = list_in(raw.get("choices"))
    choice = object_in(choices[0]) if choices else {}
    message, end = object_in(choice.get("message")), text_in(choice.get("finish_reason"))
    if not message or not end:
        raise Again("the reply is no chat completion, or not whole")
    if end == "abort":
        raise Again("the server broke the reply off")
    refusal = text_in(message.get("refusal"))
    read = Read(
        text=text_in(message.get("content")) or refusal,
        end=State.refused if refusal else _ENDS.get(end, State.error),
        model=text_in(raw.get("model")),
        usage=_usage(object_in(raw.get("usage"))),
    )
    return answer_from(read, requested=requested, raw=raw)


def _usage(said: dict[str, Json]) -> Usage | None:
    if not said:
        return None
    entered = object_in(said.get("prompt_tokens_details"))
    left = object_in(said.get("completion_tokens_details"))
    return Usage(
        input_tokens=number(said.get("prompt_tokens")),
        output_tokens=number(said.get("completion_tokens")),
        cached_tokens=number(entered.get("cached_tokens")),
        cache_write_tokens=number(entered.get("cache_write_tokens")),
        reasoning_tokens=number(left.get("reasoning_tokens")),
    )
