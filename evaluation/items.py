"""Reads the items of a suite's split in one language, and refuses what cannot be scored."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ..data.errors import UserError
from ..data.region import load_region
from ..data.suite import MissingItems, Suite, items_path
from .formats.format import load_format
from .item import Item


def find_items(suite: Suite, *, split: str, language: str, items_root: Path | None) -> Path:
    """Return the file with the items.

    Raises:
        UserError: the suite has no such split, or needs ``items_root``.
        MissingItems: there is no such file.
    """
    path = items_path(suite, split=split, language=language, items_root=items_root)
    if not path.is_file():
        raise MissingItems(
            f"suite {suite.name} has no {split} items in {language!r}: {path} does not exist"
        )
    return path


def read_items(
    suite: Suite, *, split: str, language: str, items_root: Path | None = None, limit: int = 0
) -> list[Item]:
    """Return the items as they are asked, in the file's order.

    Args:
        items_root: the user's folder of benchmarks.
        limit: so many items at most, chosen by the hash of their ids: the same in every language
            and for every system. 0 for all.

    Raises:
        UserError: no file, none or a broken item in it, an id twice.
    """
    path = find_items(suite, split=split, language=language, items_root=items_root)
    asks, region = load_format(suite), load_region(language)
    items: dict[str, Item] = {}
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("it is no JSON object")
            item = asks.ask(row, suite=suite, region=region)
        except (ValueError, KeyError) as error:
            raise UserError(
                f"{path}:{number} is no item of suite {suite.name}: {error}; correct the line"
            ) from error
        if item.id in items:
            raise UserError(
                f"{path}:{number} has the id {item.id} of an earlier line: give another"
            )
        items[item.id] = item
    if not items:
        raise UserError(f"{path} holds no items: get them again from {suite.source}")
    return _choose(list(items.values()), limit)


def _choose(items: list[Item], limit: int) -> list[Item]:
    if not limit or limit >= len(items):
        return items
    order = sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest())
    chosen = {item.id for item in order[:limit]}
    return [item for item in items if item.id in chosen]


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that is not empty; ``.gz`` is unpacked on the way.

    Raises:
        UserError: it is not UTF-8, or cannot be read to its end.
    """
    read = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with read(path, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}:{number} is not UTF-8 (byte {error.start} of the line): convert the file"
        ) from error
    except (OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read to its end ({error}): get it again") from error
