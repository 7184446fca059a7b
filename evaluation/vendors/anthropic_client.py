"""The anthropic SDK as its adapter uses it: without retries, environment or traces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anthropic
import httpx2

from ..retry import Again
from .failure import failure
from .key import Key
from .settings import VendorConfig
from .web import PLACEHOLDER, clean_client

_SENT_HEADERS = frozenset({"anthropic-version", "anthropic-beta"})


def open_client(config: VendorConfig, key: Key) -> anthropic.AsyncAnthropic:
    """Return the SDK's client for the config's address."""
    web = clean_client(
        key=key,
        url=config.url,
        is_local=config.is_local,
        sent_headers=_SENT_HEADERS,
    )
    return anthropic.AsyncAnthropic(
        api_key=PLACEHOLDER,  # else the SDK looks for one in environment and files
        base_url=config.url,
        max_retries=0,
        timeout=config.timeout_seconds,
        open_telemetry=False,
        http_client=web,
    )


@asynccontextmanager
async def anthropic_call(config: VendorConfig) -> AsyncIterator[None]:
    """Turn the SDK's errors into ours; a slow drip counts whole against the time for one answer.

    Raises:
        Again: it may go well later.
        Rejected: this question will never be answered.
        UserError: no question would be.
    """
    try:
        async with asyncio.timeout(config.timeout_seconds):
            yield
    except anthropic.APIStatusError as error:
        raise _status_failure(config, error) from error
    except TimeoutError as error:
        raise Again(f"no whole reply within {config.timeout_seconds:g} s") from error
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        raise Again(f"no connection, or it broke: {error.__cause__ or error!r}") from error
    except anthropic.APIResponseValidationError as error:
        raise Again("the reply is not JSON") from error


def _status_failure(config: VendorConfig, error: anthropic.APIStatusError) -> Exception:
    said = error.api_message or error.response.reason_phrase or "no reason given"
    code = error.type or ""
    if "credit balance" in said.lower():  # comes as a 400 of the kind that is one question's own
        code = "billing_error"
    return failure(
        config,
        error.status_code,
        reason=Key("").clean_line(said),
        code=code,
        headers=error.response.headers,
    )
