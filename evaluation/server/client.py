"""One question to an OpenAI-compatible server: sent once, its reply in a named state."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, cast

from ...data.errors import UserError
from ...data.message import Message
from ..reply import State
from ..retry import Again, Rejected, status_error
from ..vendors.key import Key
from .settings import ServerConfig

try:
    import httpx2
    import openai
    from openai.types.chat import ChatCompletion

    from ..vendors.web import PLACEHOLDER, clean_client
except ImportError as error:
    raise UserError("server=... needs the openai package: pip install 'lokal[server]'") from error

_CURES = {
    401: "set server.api_key_env to the name of the variable with a valid key",
    403: "this key may not use this model",
    404: "correct server.url, which ends in /v1, or server.model",
}
_ENDS = {"stop": State.ok, "length": State.truncated, "content_filter": State.blocked}


class Answer(NamedTuple):
    """What came back for one question."""

    text: str
    state: State
    model: str
    """The name that the server gives the model."""
    prompt_tokens: int | None
    reply_tokens: int | None
    fingerprint: str | None
    """Of the server's build, where it tells."""


class ChatClient:
    """Asks one model of one server; asks nothing twice by itself.

    Raises:
        UserError: the named variable holds no key.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._key = Key.read(config.api_key_env, field="server.api_key_env")
        web = clean_client(key=self._key, url=config.url, is_local=config.is_local)
        self._client = openai.AsyncOpenAI(
            api_key=PLACEHOLDER,  # else the SDK looks for one in the environment
            base_url=config.url,
            max_retries=0,
            timeout=config.timeout_seconds,
            http_client=web,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def served_models(self) -> list[str] | None:
        """Return the names of the served models; None where the server lists none.

        Raises:
            Again: it is there, but cannot tell now.
            UserError: it is not there, or lets nobody in.
        """
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                found = await self._client.models.list()
            return [str(model.id) for model in found.data] or None
        except openai.NotFoundError:
            return None
        except openai.APIStatusError as error:
            self._raise_status(error)
        except (openai.APIConnectionError, TimeoutError) as error:
            raise UserError(
                f"nothing answers at {self._config.url}: start the server, or correct server.url"
            ) from error
        except (ValueError, TypeError, AttributeError):
            return None  # something else answers there; the first question will tell

    async def ask(
        self, messages: Sequence[Message], *, temperature: float, max_tokens: int, seed: int
    ) -> Answer:
        """Return the reply to a prompt.

        Raises:
            Again: it may go well later.
            Rejected: this prompt will never be answered.
            UserError: no prompt would be.
        """
        try:
            async with asyncio.timeout(self._config.timeout_seconds):  # a slow drip counts whole
                found = await self._client.chat.completions.create(
                    model=self._config.model,
                    messages=cast(list, list(messages)),
                    temperature=temperature,
                    max_tokens=max_tokens,
                    seed=seed,
                )
            return self._read(found)
        except openai.APIStatusError as error:
            self._raise_status(error)
        except TimeoutError as error:
            waited = f"{self._config.timeout_seconds:g} s"
            raise Again(f"no whole reply within {waited}") from error
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise Again(self._key.clean_line(f"{error} {error.__cause__ or ''}")) from error
        except ValueError as error:
            raise Again("the reply is not JSON") from error

    def _read(self, completion: ChatCompletion) -> Answer:
        try:
            content = completion.model_dump(warnings=False)  # the SDK has checked nothing
            choice = content["choices"][0]
            message, end = choice["message"], choice["finish_reason"]
            usage = content.get("usage") or {}
            said = message.get("content") or ""
            refusal = message.get("refusal") or ""
            answer = Answer(
                text=self._key.clean(said or refusal),
                state=State.ok,
                model=self._key.clean_line(str(content["model"])),
                prompt_tokens=usage.get("prompt_tokens"),
                reply_tokens=usage.get("completion_tokens"),
                fingerprint=content.get("system_fingerprint"),
            )
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Again("the reply is no chat completion, or not whole") from error
        return answer._replace(state=self._state(answer, end, is_refusal=bool(refusal)))

    def _state(self, answer: Answer, end: str | None, *, is_refusal: bool) -> State:
        if end == "abort":
            raise Again("the server broke the reply off")
        if end not in _ENDS:
            raise Rejected(
                self._key.clean_line(f"the reply ended with {end!r}, which is no known end")
            )
        if answer.model != self._config.model:
            return State.wrong_model
        if is_refusal:
            return State.refused
        if _ENDS[end] is State.blocked or answer.text.strip():
            return _ENDS[end]
        return State.empty

    def _raise_status(self, error: openai.APIStatusError) -> NoReturn:
        status, reason = error.status_code, self._key.clean_line(_reason(error))
        after = error.response.headers.get("retry-after")
        if (known := status_error(status, reason, retry_after=after)) is not None:
            raise known from error
        cure = _CURES.get(status, "correct server.url")
        raise UserError(f"{self._config.url} answers HTTP {status} ({reason}): {cure}") from error


def _reason(error: openai.APIStatusError) -> str:
    """Return what the server says of a failure."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return body["message"]
    return str(body) if body else (error.response.reason_phrase or "no reason given")
