"""Llama and others as Amazon Bedrock rents them: boto3's ``converse`` with a key of Bedrock."""

import asyncio
import json
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from ...data.manifest import Json
from ..reply import State
from ..retry import Again
from .failure import failure
from .key import Key
from .question import Answer, Question, Usage
from .reading import Read, answer_from, list_in, number, object_in, text_in
from .settings import VendorConfig
from .vendor import Batches

T = TypeVar("T")

_ENDS = {
    "end_turn": State.ok,
    "stop_sequence": State.ok,
    "max_tokens": State.truncated,
    "model_context_window_exceeded": State.truncated,
    "guardrail_intervened": State.blocked,
    "content_filtered": State.blocked,
}
_SENT_HEADERS = frozenset({"host", "accept", "content-type", "content-length"})
_MODEL_ERROR = 424
"""The model broke; nothing is wrong with the question."""
_NO_FILES: dict[str, Any] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Neither profiles nor files of this machine: (name in a file, variable, value, conversion)."""
_ANY_REGION = "us-east-1"
"""The SDK wants one also where ``base_url`` says it all."""


class BedrockVendor:
    """One model of Bedrock. It does not tell which model has answered: the asked one is noted."""

    batches: Batches | None = None

    def __init__(self, config: VendorConfig, key: Key) -> None:
        self._config, self._key = config, key
        self._client = _open_client(config, key)

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        return self._config.model

    async def check(self) -> None:
        """Do nothing: models are listed by another service; the first question will tell."""

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once."""
        found = await self._converse(converse_request(self._config, question))
        if isinstance(found, Exception):
            raise found  # here, so that nothing stands behind it: the SDK's own may hold the key
        return read_converse(found, requested=self.model)

    async def _converse(self, request: dict[str, Any]) -> dict[str, Json] | Exception:
        """Return the reply, or what its failure means."""
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                found = await _in_thread(lambda: self._client.converse(**request))
        except ClientError as error:
            return self._status_failure(cast(dict, error.response))
        except TimeoutError:
            return Again(f"no whole reply within {self._config.timeout_seconds:g} s")
        except (BotoCoreError, HTTPClientError, ValueError) as error:
            return Again(f"no connection, or it broke: {self._key.clean_line(str(error))}")
        return cast(dict[str, Json], self._key.clean_json(found))

    async def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _status_failure(self, told: dict) -> Exception:
        about, error = told.get("ResponseMetadata", {}), told.get("Error", {})
        status, code = about.get("HTTPStatusCode", 0), str(error.get("Code", ""))
        reason = self._key.clean_line(f"{code}: {error.get('Message', '')}")
        if status == _MODEL_ERROR:
            return Again(f"HTTP {status}: {reason}")
        if status == 400 and "model identifier" in reason:
            status = 404  # said as a mistake in the question
        return failure(self._config, status, reason=reason, headers=about.get("HTTPHeaders", {}))


def converse_request(config: VendorConfig, question: Question) -> dict[str, Any]:
    """Return the arguments of the SDK's call."""
    inference: dict[str, Json] = {"maxTokens": config.longest_output(question.max_tokens)}
    if config.temperature is not None:
        inference["temperature"] = config.temperature
    turns = [(turn["role"], {"text": turn["content"]}) for turn in question.messages]
    request: dict[str, Any] = {
        "modelId": config.model,
        "messages": [{"role": role, "content": [part]} for role, part in turns if role != "system"],
        "inferenceConfig": inference,
    }
    if system := [part for role, part in turns if role == "system"]:
        request["system"] = system
    output: dict[str, Json] = {"effort": config.effort} if config.effort else {}
    if question.schema is not None:
        shape: Json = {"name": "answer", "schema": json.dumps(dict(question.schema))}
        output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": shape}}
    if output:
        request["outputConfig"] = output
    return request


def read_converse(raw: dict[str, Json], *, requested: str) -> Answer:
    """Return the answer in a reply; reasoning stands beside it and is not read.

    Raises:
        Again: it is none, or not whole.
    """
    end = text_in(raw.get("stopReason"))
    message = object_in(object_in(raw.get("output")).get("message"))
    if not end or not message:
        raise Again("the reply is no conversation, or not whole")
    said = [text_in(object_in(part).get("text")) for part in list_in(message.get("content"))]
    about = object_in(raw.pop("ResponseMetadata", {}))
    read = Read("".join(said), _ENDS.get(end, State.error), requested, _usage(raw))
    answer = answer_from(read, requested=requested, raw=raw)
    return answer._replace(request_id=text_in(about.get("RequestId")))


def _usage(raw: dict[str, Json]) -> Usage | None:
    said = object_in(raw.get("usage"))
    if not said:
        return None
    cached, written = (number(said.get(f"cache{kind}InputTokens")) for kind in ("Read", "Write"))
    return Usage(
        input_tokens=number(said.get("inputTokens")) + cached + written,
        output_tokens=number(said.get("outputTokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
    )


def _open_client(config: VendorConfig, key: Key) -> Any:  # noqa: ANN401  made at run time
    """Return the SDK's client: no retries, no credentials but the key, no files, no proxy here."""
    session = botocore.session.Session(session_vars=_NO_FILES)
    client = boto3.Session(botocore_session=session).client(
        "bedrock-runtime",
        region_name=config.location or _ANY_REGION,
        endpoint_url=config.url,
        config=Config(
            signature_version=UNSIGNED,  # else the SDK looks for credentials everywhere
            retries={"total_max_attempts": 1},
            connect_timeout=config.timeout_seconds,
            read_timeout=config.timeout_seconds,
            max_pool_connections=config.parallel,
            ignore_configured_endpoint_urls=True,
            proxies={} if config.is_local else None,
        ),
    )

    def send_clean(request: AWSPreparedRequest, **_: object) -> None:
        for name in list(request.headers):
            if name.lower() not in _SENT_HEADERS:
                del request.headers[name]
        request.headers["user-agent"] = "lokal"
        if key.value:
            request.headers["authorization"] = f"Bearer {key.value}"

    client.meta.events.register("before-send.bedrock-runtime", send_clean)
    return client


async def _in_thread(call: Callable[[], T]) -> T:
    """Return what a blocking call returns; one that hangs does not keep the process alive."""
    loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if found.done():
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(value)

    def work() -> None:
        value, problem = None, None
        try:
            value = call()
        except BaseException as error:
            problem = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, problem)

    threading.Thread(target=work, daemon=True).start()
    return await found
