"""Alpha against another library and by hand; what votes say of the systems."""

from itertools import count
from random import Random

import krippendorff
import pytest
from lokal.evaluation.review.agreement import agreement, alpha
from lokal.evaluation.review.export import to_csv, to_judge_votes
from lokal.evaluation.review.tally import preferences
from lokal.evaluation.review.votes import Choice, SlotKind, Vote

NAMES = ["a", "b", "tie"]
_numbers = count()


def vote(reviewer: str, item: int, choice: str, **values: object) -> Vote:
    """Return a vote on child against parent in Hindi."""
    return Vote(
        **{
            "slot": f"s{next(_numbers)}",
            "kind": SlotKind.plain,
            "reviewer": reviewer,
            "item": f"q/{item}",
            "suite": "q",
            "region": "hi",
            "cluster": f"q/{item}",
            "sides": ("child", "parent"),
            "choice": Choice(choice),
            "at": "2026-01-01T00:00:00+00:00",
            **values,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_alpha_equals_that_of_the_package_krippendorff(seed: int) -> None:
    random = Random(seed)
    table = [[random.choice([*NAMES, None]) for _ in range(40)] for _ in range(3)]
    units = [[value for row in table if (value := row[k]) is not None] for k in range(40)]
    codes = [[float("nan") if v is None else float(NAMES.index(v)) for v in row] for row in table]
    theirs = krippendorff.alpha(reliability_data=codes, level_of_measurement="nominal")
    assert alpha(units, resamples=10).value == pytest.approx(theirs, abs=1e-12)


def test_alpha_of_full_agreement_is_one_and_of_one_value_unknown() -> None:
    assert alpha([["a", "a"], ["b", "b"]], resamples=10).value == 1
    assert alpha([["a", "a"], ["a", "a"]], resamples=10).value is None
    assert alpha([["a"], ["b"]], resamples=10).num_units == 0


def test_the_interval_holds_the_value_and_repeats_with_its_seed() -> None:
    random = Random(1)
    units = [[random.choice("ab"), random.choice("ab")] for _ in range(60)]
    one, other = alpha(units, seed=3), alpha(units, seed=3)
    assert one == other
    assert one.low is not None
    assert one.value is not None
    assert one.high is not None
    assert one.low < one.value < one.high


def test_a_reviewer_who_always_takes_the_first_reply_shows() -> None:
    votes = [vote("x", k, "a") for k in range(10)]
    votes += [vote("x", 0, "a", kind=SlotKind.repeat, sides=("parent", "child"))]
    votes += [vote("x", 20, "a", kind=SlotKind.golden, right="b", sides=("child", "child"))]
    found = agreement(votes)["hi"].reviewers["x"]
    assert (found.first_side, found.self_agreement, found.golden_right) == (1.0, 0.0, 0.0)
    assert (found.votes, found.repeated, found.golden) == (11, 1, 1)


def test_preferences_count_ties_half_and_leave_out_what_does_not_count() -> None:
    votes = [vote("x", k, "a") for k in range(6)] + [vote("x", k, "tie") for k in (6, 7)]
    votes += [vote("x", 8, "b"), vote("x", 9, "skip"), vote("x", 10, "b", kind=SlotKind.warm_up)]
    (found,) = preferences(votes)
    assert (found.system, found.wins, found.ties, found.losses) == ("child", 6, 2, 1)
    assert found.share is not None
    assert found.share.estimate == pytest.approx(7 / 9)
    assert not found.is_usable  # one reviewer: nobody to agree with


def test_the_best_of_three_beats_both_and_a_tie_ties_all() -> None:
    sides = ("gpt", "child", "parent")
    votes = [vote("x", k, "b", sides=sides) for k in range(3)] + [vote("x", 4, "tie", sides=sides)]
    found = {(one.system, one.other): one[3:6] for one in preferences(votes)}
    assert found["child", "gpt"] == (3, 1, 0)
    assert found["child", "parent"] == (3, 1, 0)
    assert found["gpt", "parent"] == (0, 1, 0)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_comment_is_no_formula_in_a_spreadsheet(start: str) -> None:
    table = to_csv([vote("x", 1, "a", comment=f"{start}HYPERLINK(1)")])
    assert f"'{start}HYPERLINK(1)" in table


def test_judges_get_one_line_a_pair() -> None:
    lines = to_judge_votes([vote("x", 1, "b"), vote("x", 2, "bad"), vote("x", 3, "skip")])
    assert '"left": "child", "right": "parent", "vote": "b"' in lines
    assert '"vote": "both_bad"' in lines
    assert len(lines.splitlines()) == 2
