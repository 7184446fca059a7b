"""What a vendor's error means: ask again, leave this question, or end the run."""

from collections.abc import Mapping

from ...data.errors import UserError
from ..retry import Again, Rejected, status_error
from .settings import VendorConfig

_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error"})
"""Codes that look like a limit of the minute, but pass only when somebody pays."""
_BAD_KEY = frozenset({"API_KEY_INVALID", "invalid_api_key", "authentication_error"})


def failure(
    config: VendorConfig,
    status: int,
    *,
    reason: str,
    code: str = "",
    headers: Mapping[str, str] | None = None,
) -> Exception:
    """Return what to raise for an HTTP error.

    Args:
        config: of the model that was asked.
        status: of HTTP.
        reason: in the vendor's words, without the key.
        code: in the vendor's own list.
        headers: of the reply, names in small letters.
    """
    if code in _NO_MONEY or status == 402:
        return UserError(f"{config.host} says that the account has no credit left ({reason})")
    if code in _BAD_KEY or status in (401, 403):
        return UserError(f"{config.host} answers HTTP {status} ({reason}): {_key_cure(config)}")
    if status == 404:
        return UserError(
            f"{config.host} answers HTTP 404 ({reason}): correct baseline.model, "
            f"{config.model!r}, which may have reached its end, or baseline.base_url"
        )
    known = status_error(status, reason, retry_after=_retry_after(headers or {}))
    if known is not None:
        return known
    return UserError(f"{config.host} answers HTTP {status} ({reason}): correct baseline.base_url")


def no_model(config: VendorConfig, served: list[str]) -> UserError:
    """Return the refusal of a name that a server does not list."""
    return UserError(
        f"{config.url} does not serve {config.model!r}: set baseline.model to one of "
        f"{', '.join(sorted(served)) or '(it serves none)'}"
    )


def error_of_code(code: str, reason: str) -> Exception:
    """Return what an error inside a batch or a failed reply means; it has no HTTP status."""
    if code in ("invalid_prompt", "invalid_request_error", "INVALID_ARGUMENT"):
        return Rejected(f"{code}: {reason}")
    return Again(f"{code}: {reason}")


def _key_cure(config: VendorConfig) -> str:
    if not config.api_key_env:
        return "set baseline.api_key_env to the name of the variable with a key"
    return f"the variable {config.api_key_env} must hold a valid key that may use {config.model}"


def _retry_after(headers: Mapping[str, str]) -> str | None:
    """Return how long the vendor wants to be left alone, as the header says or its twin in ms."""
    if after := headers.get("retry-after"):
        return after
    milliseconds = headers.get("retry-after-ms", "")
    return str(float(milliseconds) / 1000) if milliseconds.replace(".", "", 1).isdigit() else None
