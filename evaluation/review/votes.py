"""The log of votes: one JSON object a line, only ever added to; an undo is a line of its own."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from types import TracebackType

from ...data.errors import UserError

VOTES_NAME = "votes.jsonl"
LETTERS = "abc"


class Choice(StrEnum):
    """What a reviewer says of the replies, by their places on the page."""

    a = "a"
    b = "b"
    c = "c"
    tie = "tie"
    bad = "bad"
    """None of them will do."""
    skip = "skip"


class SlotKind(StrEnum):
    """Why a pair is shown."""

    warm_up = "warm_up"
    """To get used to the page; never counted."""
    plain = "plain"
    repeat = "repeat"
    """Shown before, the sides turned: does the reviewer agree with himself?"""
    golden = "golden"
    """One reply has been spoilt; who does not see it was not reading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One line of the log: a vote on a slot, or with ``undone`` that it is taken back."""

    slot: str
    """Of one reviewer; a second vote on it without an undo between is no vote."""
    kind: SlotKind
    reviewer: str
    item: str
    """As in the suite's file."""
    suite: str
    region: str
    cluster: str
    """Items of one cluster hang together in the statistics."""
    sides: tuple[str, ...]
    """Systems in the order of the page."""
    choice: Choice
    at: str
    """ISO 8601."""
    right: str = ""
    """golden: the choice that is right."""
    tags: tuple[str, ...] = ()
    comment: str = ""
    spans: tuple[tuple[int, int, int], ...] = ()
    """Marked errors: side, first and last+1 character (code points of the reply)."""
    rubric: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By side's letter the points of the scenario's rubric that the reply meets."""
    seconds: float = 0.0
    """Between showing and vote."""
    undone: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("kind", SlotKind), ("choice", Choice)):
            object.__setattr__(self, name, kind(getattr(self, name)))
        for name in ("sides", "tags"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "spans", tuple(tuple(span) for span in self.spans))
        rubric = {side: tuple(points) for side, points in self.rubric.items()}
        object.__setattr__(self, "rubric", rubric)
        if self.choice in LETTERS and LETTERS.index(self.choice) >= len(self.sides):
            raise ValueError(f"choice {self.choice} of {len(self.sides)} replies")

    @property
    def winner(self) -> str:
        """Return the system that was chosen; empty where none was."""
        return self.sides[LETTERS.index(self.choice)] if self.choice in LETTERS else ""

    @property
    def counts(self) -> bool:
        """Return whether it says something about the systems."""
        return self.kind in (SlotKind.plain, SlotKind.repeat) and self.choice is not Choice.skip


class VoteLog:
    """The open log; one process writes it.

    Raises:
        UserError: another process has it open, or a line is broken.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / VOTES_NAME
        self._lock = Lock()
        self._stream = self.path.open("a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise UserError(
                f"{self.path} is in use by another server: stop it, or open its page"
            ) from error
        self._stream.truncate(_whole_bytes(self.path))
        self.votes = standing_votes(read_events(self.path))

    def add(self, vote: Vote) -> bool:
        """Write a vote, or its undoing, so that it outlives a power cut; return whether it was new.

        A vote on a slot that has one, and an undo of one that is not there, change nothing.
        """
        with self._lock:
            if vote.undone != (vote.slot in self.votes):
                return False
            line = json.dumps(asdict(vote), ensure_ascii=False, allow_nan=False).encode() + b"\n"
            self._stream.write(line)
            self._stream.flush()
            os.fsync(self._stream.fileno())
            _apply(self.votes, vote)
            return True

    def close(self) -> None:
        """Close the file, which lets another server have it."""
        self._stream.close()

    def __enter__(self) -> "VoteLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_events(path: Path) -> Iterator[Vote]:
    """Yield every line of a log; a last one that a kill cut short is left out.

    Raises:
        UserError: another line is no vote.
    """
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            yield Vote(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}:{number} is no vote ({error}): remove the line") from error


def read_votes(folder: Path) -> list[Vote]:
    """Return the votes that stand, in the order in which they were given."""
    path = folder / VOTES_NAME
    return list(standing_votes(read_events(path)).values()) if path.is_file() else []


def standing_votes(events: Iterator[Vote]) -> dict[str, Vote]:
    """Return the votes that were not taken back, by slot."""
    votes: dict[str, Vote] = {}
    for event in events:
        _apply(votes, event)
    return votes


def _apply(votes: dict[str, Vote], event: Vote) -> None:
    if event.undone:
        votes.pop(event.slot, None)
    else:
        votes.setdefault(event.slot, event)


def _whole_bytes(path: Path) -> int:
    """Return the length of the file without a last line that was cut short."""
    return path.read_bytes().rfind(b"\n") + 1
