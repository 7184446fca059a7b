"""The reviewers' desk: what each has before him, and what he says of it."""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ...data.errors import UserError
from ..report.items.case import Case
from .schedule import Slot, schedule
from .settings import ScheduleConfig
from .votes import Choice, SlotKind, Vote, VoteLog

TAGS = (
    "wrong fact",
    "other language",
    "wrong register",
    "unnatural",
    "unsafe",
    "cut off",
    "too long",
)
_SECRET_NAME = ".secret"
_LONGEST_COMMENT = 2_000


class Said(NamedTuple):
    """What came with a vote, as the page sends it."""

    choice: Choice
    tags: Sequence[str] = ()
    comment: str = ""
    spans: Sequence[Sequence[int]] = ()
    rubric: Mapping[str, Sequence[str]] = {}
    seconds: float = 0.0


class Progress(NamedTuple):
    """How far a reviewer is."""

    done: int
    total: int


class Desk:
    """All reviewers' rows and the log; the only one who writes votes.

    Args:
        folder: of the votes.
        cases: all that can be shown, in every region.
        reviewers: names by region; each has a link of his own.
        systems: two or three, side by side.
        config: how items are shared.
    """

    def __init__(
        self,
        folder: Path,
        cases: Sequence[Case],
        *,
        reviewers: Mapping[str, Sequence[str]],
        systems: Sequence[str],
        config: ScheduleConfig,
    ) -> None:
        self.secret = _secret(folder)
        self.log = VoteLog(folder)
        self.systems = list(systems)
        self.rows: dict[str, list[Slot]] = {}
        for region, names in sorted(reviewers.items()):
            own = [case for case in cases if case.region == region]
            for name in names:
                self.rows[name] = self.rows.get(name, []) + schedule(
                    own,
                    reviewer=name,
                    reviewers=names,
                    systems=systems,
                    config=config,
                    secret=self.secret,
                )
        if not any(self.rows.values()):
            raise UserError(
                f"nothing to compare: no item has different replies of {' and '.join(systems)}"
            )
        self._tokens = {self.token(name): name for name in self.rows}

    def token(self, name: str) -> str:
        """Return the word in a reviewer's link; the owner's is that of no name."""
        return hmac.new(self.secret, f"link/{name}".encode(), hashlib.sha256).hexdigest()[:32]

    def reviewer(self, token: str) -> str | None:
        """Return whose link it is."""
        return next((name for one, name in self._tokens.items() if _same(one, token)), None)

    def is_owner(self, token: str) -> bool:
        """Return whether it is the link of whoever runs the review."""
        return _same(self.token(""), token)

    def form_key(self, reviewer: str, slot: str) -> str:
        """Return what a form must send back, so that no other page can send it."""
        return hmac.new(self.secret, f"form/{reviewer}/{slot}".encode(), hashlib.sha256).hexdigest()

    def is_form(self, reviewer: str, slot: str, key: str) -> bool:
        """Return whether a form was made here for this reviewer and slot."""
        return _same(self.form_key(reviewer, slot), key)

    def current(self, reviewer: str) -> Slot | None:
        """Return the first slot without a vote; None where all have one."""
        return next((s for s in self.rows[reviewer] if s.id not in self.log.votes), None)

    def last(self, reviewer: str) -> tuple[Slot, Vote] | None:
        """Return the slot that was voted on last, of those that stand."""
        own = [slot for slot in self.rows[reviewer] if slot.id in self.log.votes]
        return (own[-1], self.log.votes[own[-1].id]) if own else None

    def progress(self, reviewer: str) -> Progress:
        """Return how many slots are done."""
        row = self.rows[reviewer]
        return Progress(sum(slot.id in self.log.votes for slot in row), len(row))

    def vote(self, reviewer: str, slot_id: str, said: Said, *, now: datetime) -> bool:
        """Write a vote; return False where the slot has one already, or is none of his.

        Raises:
            ValueError: what was said does not fit the slot.
        """
        slot = next((slot for slot in self.rows[reviewer] if slot.id == slot_id), None)
        if slot is None:
            return False
        return self.log.add(_vote(reviewer, slot, said, now))

    def undo(self, reviewer: str, *, now: datetime) -> bool:
        """Take the last vote back; return False where there is none."""
        last = self.last(reviewer)
        if last is None:
            return False
        return self.log.add(replace(last[1], undone=True, at=now.isoformat(timespec="seconds")))


def _vote(reviewer: str, slot: Slot, said: Said, now: datetime) -> Vote:
    case = slot.case
    texts = slot.texts()
    for side, start, end in said.spans:
        if not (0 <= side < len(texts) and 0 <= start < end <= len(texts[side])):
            raise ValueError(f"the span {side}:{start}-{end} lies in no reply")
    if strange := sorted(set(said.tags) - set(TAGS)):
        raise ValueError(f"unknown tag {strange[0]!r}")
    return Vote(
        slot=slot.id,
        kind=slot.kind,
        reviewer=reviewer,
        item=case.item.id,
        suite=case.suite,
        region=case.region,
        cluster=f"{case.suite}/{case.item.cluster}",
        sides=slot.sides,
        choice=said.choice,
        right=slot.right,
        tags=tuple(said.tags),
        comment=said.comment[:_LONGEST_COMMENT],
        spans=tuple((side, start, end) for side, start, end in said.spans),
        rubric={side: tuple(points) for side, points in said.rubric.items()},
        seconds=round(min(max(said.seconds, 0.0), 86_400.0), 1),
        at=now.isoformat(timespec="seconds"),
    )


def is_blind(kind: SlotKind) -> bool:
    """Return whether nothing may be told of a slot afterwards: a golden one gives itself away."""
    return kind is SlotKind.golden


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _secret(folder: Path) -> bytes:
    """Return the folder's own secret, made once; links and sides rest on it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _SECRET_NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_bytes()
        if len(found) == 32:
            return found
        raise UserError(f"{path} is damaged: remove it; links and sides will be new ones") from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(made := os.urandom(32))
        stream.flush()
        os.fsync(stream.fileno())
    return made
