"""A checked config as plain JSON: what manifests record and what worker processes are given."""

from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .manifest import Json


def as_json(config: object) -> "dict[str, Json]":
    """Return a config dataclass as JSON values; an Enum becomes the name that a user types."""
    value = _plain(config)
    assert isinstance(value, dict)
    return value


def check_run_name(name: str) -> None:
    """Refuse a name that does not lead to a folder below ``root``.

    Raises:
        ValueError: the name is empty, or leads elsewhere.
    """
    parts = PurePath(name).parts
    if not parts or PurePath(name).is_absolute() or ".." in parts:
        raise ValueError(f"name must lead to a folder below root, as in name=first: got {name!r}")


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
