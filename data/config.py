"""A checked config as plain JSON: what manifests record and what worker processes are given."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .manifest import Json


def as_json(config: object) -> "dict[str, Json]":
    """Return a config dataclass as JSON values; an Enum becomes the name that a user types."""
    value = _plain(config)
    assert isinstance(value, dict)
    return value


def _plain(value: object) -> "Json":
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    assert value is None or isinstance(value, bool | int | float | str), type(value)
    return value
