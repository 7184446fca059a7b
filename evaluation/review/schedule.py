"""What each reviewer is shown, in which order and on which side; a secret decides, not chance."""

import hashlib
import hmac
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from ..report.items.case import Case
from .settings import ScheduleConfig
from .votes import LETTERS, SlotKind


class Slot(NamedTuple):
    """One place in a reviewer's row."""

    id: str
    case: Case
    sides: tuple[str, ...]
    kind: SlotKind
    spoilt: str = ""
    """golden: the letter of the reply whose words are turned round."""

    @property
    def right(self) -> str:
        """Return the right choice of a golden slot with two sides."""
        return "".join(LETTERS[: len(self.sides)]).replace(self.spoilt, "") if self.spoilt else ""

    def texts(self) -> list[str]:
        """Return the replies in the order of the page."""
        said = [self.case.said[name].text for name in self.sides]
        if self.spoilt:
            place = LETTERS.index(self.spoilt)
            said[place] = spoil(said[place])
        return said


def spoil(text: str) -> str:
    """Return a text whose words stand in the reverse order: nobody who reads prefers it."""
    return " ".join(reversed(text.split()))


def schedule(
    cases: Sequence[Case],
    *,
    reviewer: str,
    reviewers: Sequence[str],
    systems: Sequence[str],
    config: ScheduleConfig,
    secret: bytes,
) -> list[Slot]:
    """Return a reviewer's slots: warm-up, then plain, repeated and golden ones mixed.

    Args:
        cases: that have a reply of every system.
        reviewer: one of the reviewers.
        reviewers: among whom what does not overlap is divided.
        systems: two or three, side by side.
        config: the shares.
        secret: decides order and sides; whoever does not know it cannot tell the sides.
    """
    told = [case for case in cases if _differ(case, systems)]
    ordered = sorted(told, key=lambda case: _hash(secret, "order", reviewer, case.name))
    place = sorted(reviewers).index(reviewer)
    mine = [
        case
        for case in ordered
        if _share(secret, "overlap", case.name) < config.overlap
        or int(_hash(secret, "owner", case.name), 16) % len(reviewers) == place
    ]
    mine = mine[: config.per_reviewer or None]
    random = Random(_hash(secret, "mix", reviewer))
    plain = [_slot(case, systems, SlotKind.plain, reviewer, secret) for case in mine]
    repeats = [_turned(slot, reviewer, secret) for slot in plain[: _part(plain, config.repeats)]]
    long = [case for case in mine if len(case.said[systems[0]].text.split()) > 3]
    golden = [
        _golden(case, systems, reviewer, secret) for case in long[: _part(mine, config.golden)]
    ]
    rest = [*plain[len(repeats) :], *golden, *repeats]  # a repeat is never near its first
    random.shuffle(rest)
    warm_up = [
        _slot(case, systems, SlotKind.warm_up, reviewer, secret)
        for case in ordered[::-1][: min(config.warm_up, len(ordered) // 4)]
    ]
    return [*warm_up, *plain[: len(repeats)], *rest]


def _part(of: Sequence[object], share: float) -> int:
    return round(share * len(of))


def _differ(case: Case, systems: Sequence[str]) -> bool:
    """Return whether there is something to choose: all have replied, and not the same."""
    texts = {case.said[name].text.strip() for name in systems if name in case.said}
    return all(name in case.said for name in systems) and len(texts) > 1


def _slot(case: Case, systems: Sequence[str], kind: SlotKind, reviewer: str, secret: bytes) -> Slot:
    order = sorted(systems, key=lambda name: _hash(secret, "side", reviewer, case.name, name))
    return Slot(_name(secret, kind, reviewer, case), case, tuple(order), kind)


def _turned(slot: Slot, reviewer: str, secret: bytes) -> Slot:
    name = _name(secret, SlotKind.repeat, reviewer, slot.case)
    return Slot(name, slot.case, slot.sides[::-1], SlotKind.repeat)


def _golden(case: Case, systems: Sequence[str], reviewer: str, secret: bytes) -> Slot:
    """Return the first system's reply beside itself with its words turned round."""
    name = _name(secret, SlotKind.golden, reviewer, case)
    spoilt = LETTERS[int(_hash(secret, "spoilt", reviewer, case.name), 16) % 2]
    return Slot(name, case, (systems[0], systems[0]), SlotKind.golden, spoilt)


def _name(secret: bytes, kind: SlotKind, reviewer: str, case: Case) -> str:
    return _hash(secret, "slot", str(kind), reviewer, case.name)[:24]


def _share(secret: bytes, *parts: str) -> float:
    return int(_hash(secret, *parts)[:8], 16) / 16**8


def _hash(secret: bytes, *parts: str) -> str:
    return hmac.new(secret, "\x00".join(parts).encode(), hashlib.sha256).hexdigest()
