"""The google-genai SDK as its adapter uses it: with an API key, or a token in a cloud project."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from ..retry import Again
from .failure import failure
from .key import Key
from .reading import list_in, object_in, text_in
from .settings import VendorConfig
from .web import PLACEHOLDER, clean_client

_EVERYWHERE = "global"
_API_VERSION = "v1"
_CLOUD_API_VERSION = "v1beta1"
"""The SDK's own defaults, said here so that no variable of the environment says otherwise."""


def open_web(config: VendorConfig, key: Key) -> httpx2.AsyncClient:
    """Return the HTTP client under the SDK, which does not close it."""
    return clean_client(key=key, url=config.url, is_local=config.is_local)


def open_client(config: VendorConfig, web: httpx2.AsyncClient) -> genai.Client:
    """Return the SDK's client."""
    options = types.HttpOptions(
        base_url=config.url,
        api_version=_CLOUD_API_VERSION if config.project else _API_VERSION,
        timeout=int(config.timeout_seconds * 1000),
        httpx_async_client=web,
        httpx_client=httpx2.Client(trust_env=False),  # never used; else one is made
    )
    if not config.project:
        return genai.Client(vertexai=False, api_key=PLACEHOLDER, http_options=options)
    return genai.Client(
        vertexai=True,
        credentials=Credentials(token=PLACEHOLDER),
        project=config.project,
        location=config.location or _EVERYWHERE,
        http_options=options,
    )


@asynccontextmanager
async def google_call(config: VendorConfig) -> AsyncIterator[None]:
    """Turn the SDK's errors into ours; a slow drip counts whole against the time for one answer.

    Raises:
        Again: it may go well later.
        Rejected: this question will never be answered.
        UserError: no question would be.
    """
    try:
        async with asyncio.timeout(config.timeout_seconds):
            yield
    except errors.APIError as error:
        raise _status_failure(config, error) from error
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise Again(f"no whole reply within {config.timeout_seconds:g} s") from error
    except httpx2.HTTPError as error:
        raise Again(f"no connection, or it broke: {error!r}") from error
    except ValueError as error:
        raise Again("the reply is not JSON, or not of the known form") from error


def _status_failure(config: VendorConfig, error: errors.APIError) -> Exception:
    told = object_in(object_in(error.details).get("error"))
    reasons = [text_in(object_in(part).get("reason")) for part in list_in(told.get("details"))]
    headers = getattr(error.response, "headers", None)
    return failure(
        config,
        error.code,
        reason=Key("").clean_line(error.message or error.status or "no reason given"),
        code=next(filter(None, reasons), ""),
        headers=headers if isinstance(headers, Mapping) else {},
    )
