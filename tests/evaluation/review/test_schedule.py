"""Who is shown what: shares, sides and secrets."""

from collections import Counter

from lokal.evaluation.review.schedule import Slot, schedule, spoil
from lokal.evaluation.review.settings import ScheduleConfig
from lokal.evaluation.review.votes import SlotKind

from .made_cases import made_case, made_cases

SECRET = b"0" * 32


def slots(
    reviewer: str, reviewers: list[str], count: int = 200, secret: bytes = SECRET
) -> list[Slot]:
    """Return a reviewer's row over Hindi items."""
    return schedule(
        made_cases("hi", count),
        reviewer=reviewer,
        reviewers=reviewers,
        systems=["child", "parent"],
        config=ScheduleConfig(),
        secret=secret,
    )


def test_a_quarter_is_seen_by_all_and_every_item_by_somebody() -> None:
    names = ["asha", "ravi"]
    seen = {
        name: {s.case.name for s in slots(name, names) if s.kind is SlotKind.plain}
        for name in names
    }
    assert len(seen["asha"] | seen["ravi"]) == 200
    assert 30 <= len(seen["asha"] & seen["ravi"]) <= 70  # 50 expected, 6 a standard deviation


def test_repeats_are_turned_and_come_after_their_first() -> None:
    row = slots("asha", ["asha"])
    first = {s.case.name: (n, s.sides) for n, s in enumerate(row) if s.kind is SlotKind.plain}
    again = [(n, s) for n, s in enumerate(row) if s.kind is SlotKind.repeat]
    assert len(again) == 10
    for place, slot in again:
        assert slot.sides == first[slot.case.name][1][::-1]
        assert place > first[slot.case.name][0]


def test_a_golden_pair_has_one_spoilt_reply_on_either_side() -> None:
    golden = [s for s in slots("asha", ["asha"], 400) if s.kind is SlotKind.golden]
    assert len(golden) == 20
    assert {s.spoilt for s in golden} == {"a", "b"}
    for slot in golden:
        texts = dict(zip("ab", slot.texts(), strict=True))
        assert texts[slot.spoilt] == spoil(texts[slot.right])


def test_sides_are_even_and_nobody_without_the_secret_knows_them() -> None:
    plain = [s for s in slots("asha", ["asha"], 400) if s.kind is SlotKind.plain]
    assert 160 <= Counter(s.sides[0] for s in plain)["child"] <= 240
    other = {s.case.name: s.sides for s in slots("asha", ["asha"], 400, secret=b"1" * 32)}
    assert 100 <= sum(other[s.case.name] == s.sides for s in plain) <= 300


def test_the_same_secret_gives_the_same_row() -> None:
    assert slots("ravi", ["asha", "ravi"]) == slots("ravi", ["ravi", "asha"])


def test_equal_and_missing_replies_are_not_shown() -> None:
    cases = [made_case("tl", 0, child="oo", parent="oo"), made_case("tl", 1, child="oo")]
    row = schedule(
        cases,
        reviewer="m",
        reviewers=["m"],
        systems=["child", "parent"],
        config=ScheduleConfig(),
        secret=SECRET,
    )
    assert row == []
