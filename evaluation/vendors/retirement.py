"""When a model ends, as far as its vendor's SDK or the settings say."""

import re
from datetime import date, datetime

from .settings import VendorConfig, VendorKind


def retirement(config: VendorConfig) -> date | None:
    """Return the model's last day: the settings' own, else that of the SDK; None: not known."""
    if config.retires:
        return date.fromisoformat(config.retires)
    if config.vendor is not VendorKind.anthropic:
        return None  # no other SDK holds such a table
    try:
        from anthropic.resources.messages import DEPRECATED_MODELS
    except ImportError:
        return None
    said = DEPRECATED_MODELS.get(config.model)
    return _day(said) if said else None


def _day(said: str) -> date | None:
    """Return the day in ``June 30th, 2026``."""
    plain = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", said)
    try:
        return datetime.strptime(plain, "%B %d, %Y").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        return None
