"""``ledger.jsonl``: what a folder's work has cost, in GPU hours and in vendors' bills.

One entry a line, written by whoever spent it and by nobody else. An entry with an ``id`` replaces
the earlier one of that id, so that a running total can be written again and again and a kill loses
only what came after the last time. The file only grows: the earlier lines stay as they were.
"""

import fcntl
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from .errors import UserError
from .manifest import sync_folder

LEDGER_NAME = "ledger.jsonl"


class CostKind(StrEnum):
    """What was paid for."""

    api = "api"
    """A vendor's answers."""
    gpu = "gpu"
    """Hours of our own or rented GPUs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostEntry:
    """What one piece of work has cost; unknown stays null and is never taken for nothing."""

    kind: CostKind
    what: str
    """The recipe: finetune, collect_baseline, judge."""
    at: str
    """When it was written, ISO 8601."""
    id: str = ""
    """Of the piece of work: a later entry with the same id replaces this one. Empty: none does."""
    system: str = ""
    """Name of the system or judge that it was spent for."""
    vendor: str = ""
    model: str = ""
    language: str = ""
    """Region code; empty where it was spent for none in particular."""
    questions: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    usd: float | None = None
    """US dollars; null: the price is not known."""
    gpu_hours: float | None = None
    """Hours times GPUs; 0 on a CPU, null where none were meant."""
    num_gpus: int = 0
    wall_hours: float | None = None
    price_as_of: str = ""
    """Day of the price list, or who stated the price."""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", CostKind(self.kind))
        for name in ("usd", "gpu_hours", "wall_hours"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be 0 or more, got {value!r}")
        for name in ("questions", "num_gpus", *_TOKENS):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)!r}")


_TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


def append_cost(folder: Path, entry: CostEntry) -> None:
    """Add one line to the folder's ledger; it outlives a kill and a power cut from here on.

    Processes that do so at once take turns. What a killed one has left of a line is cut off first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False).encode() + b"\n"
    with (folder / LEDGER_NAME).open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.truncate(_whole_bytes(stream.fileno()))
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(folder)


def read_costs(folder: Path) -> list[CostEntry]:
    """Return the folder's entries, of each id the last, in the order of their first line.

    A last line that a kill cut short is left out; no ledger is no cost.

    Raises:
        UserError: another line is broken.
    """
    path = folder / LEDGER_NAME
    if not path.is_file():
        return []
    found: dict[str, CostEntry] = {}
    for number, line in _lines(path):
        try:
            entry = CostEntry(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}:{number} is no cost ({error}): remove the line") from error
        found[entry.id or f"line {number}"] = entry
    return list(found.values())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        yield number, line.decode(errors="replace")


def _whole_bytes(descriptor: int) -> int:
    """Return the length of the file without a last line that was cut short."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - 4096)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
