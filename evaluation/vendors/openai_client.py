"""The openai SDK as all adapters on it use it: without retries, environment or stray headers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import openai

from ..retry import Again
from .failure import failure
from .key import Key
from .reading import text_in
from .settings import VendorConfig
from .web import PLACEHOLDER, clean_client


def open_client(config: VendorConfig, key: Key) -> openai.AsyncOpenAI:
    """Return the SDK's client for the config's address."""
    web = clean_client(key=key, url=config.url, is_local=config.is_local)
    return openai.AsyncOpenAI(
        api_key=PLACEHOLDER,  # else the SDK looks for one in the environment
        base_url=config.url,
        max_retries=0,
        timeout=config.timeout_seconds,
        default_query={"api-version": config.api_version} if config.api_version else None,
        http_client=web,
    )


@asynccontextmanager
async def openai_call(config: VendorConfig) -> AsyncIterator[None]:
    """Turn the SDK's errors into ours; a slow drip counts whole against the time for one answer.

    Raises:
        Again: it may go well later.
        Rejected: this question will never be answered.
        UserError: no question would be.
    """
    try:
        async with asyncio.timeout(config.timeout_seconds):
            yield
    except openai.APIStatusError as error:
        raise status_failure(config, error) from error
    except TimeoutError as error:
        raise Again(f"no whole reply within {config.timeout_seconds:g} s") from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        raise Again(f"no connection, or it broke: {error.__cause__ or error!r}") from error


def status_failure(config: VendorConfig, error: openai.APIStatusError) -> Exception:
    """Return what an HTTP error of the SDK means."""
    return failure(
        config,
        error.status_code,
        reason=reason_of(error),
        code=code_of(error),
        headers=error.response.headers,
    )


def reason_of(error: openai.APIStatusError) -> str:
    """Return what the vendor says of a failure, in one short line."""
    body = error.body
    said = text_in(body.get("message")) if isinstance(body, dict) else str(body or "")
    return Key("").clean_line(said or error.response.reason_phrase or "no reason given")


def code_of(error: openai.APIStatusError) -> str:
    """Return the vendor's code of a failure, else its type."""
    body = error.body if isinstance(error.body, dict) else {}
    return text_in(body.get("code")) or text_in(body.get("type"))
