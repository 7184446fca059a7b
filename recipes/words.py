"""Settings as they are typed: written, left out, and found again."""

from collections.abc import Iterable, Sequence


def word(key: str, value: str) -> str:
    """Return ``key='value'``: quoted, since a path may hold what Hydra reads as grammar."""
    escaped = value.replace("'", "\\'")
    return f"{key}='{escaped}'"


def has(words: Iterable[str], key: str) -> bool:
    """Return whether the words set this very key."""
    return any(given.lstrip("+").partition("=")[0] == key for given in words)


def without(words: Sequence[str], *keys: str) -> list[str]:
    """Return the words that set none of these keys."""
    return [given for given in words if not any(has([given], key) for key in keys)]
