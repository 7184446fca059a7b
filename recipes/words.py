"""Settings as they are typed: written, left out, and found again."""

import re
from collections.abc import Iterable, Sequence

_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
_KEYWORDS = ("null", "true", "false", "inf", "nan")


def word(key: str, value: str) -> str:
    """Return ``key=value``, quoted where the value holds what Hydra reads as grammar."""
    if _PLAIN.fullmatch(value) and value.lower() not in _KEYWORDS:
        return f"{key}={value}"
    escaped = value.replace("'", "\\'")
    return f"{key}='{escaped}'"


def has(words: Iterable[str], key: str) -> bool:
    """Return whether the words set this very key."""
    return any(given.lstrip("+").partition("=")[0] == key for given in words)


def without(words: Sequence[str], *keys: str) -> list[str]:
    """Return the words that set none of these keys."""
    return [given for given in words if not any(has([given], key) for key in keys)]
