"""Bounds for missing replies, and how far answers hang on the order of the choices."""

import pytest
from lokal.evaluation.statistics.missing import missing_bounds
from lokal.evaluation.statistics.order import order_sensitivity
from lokal.evaluation.statistics.paired import paired_difference


def test_missing_replies_count_as_losses_and_as_wins() -> None:
    ours = missing_bounds([1, None, 1, 0], [1, 1, None, None], confidence=0.95)
    worst = paired_difference([1, 0, 1, 0], [1, 1, 1, 1], confidence=0.95)
    best = paired_difference([1, 1, 1, 0], [1, 1, 0, 0], confidence=0.95)
    assert ours == (worst, best)


def test_without_missing_replies_both_bounds_are_the_difference() -> None:
    worst, best = missing_bounds([1, 0, 1], [0, 0, 1], confidence=0.95, clusters="aab")
    assert worst == best == paired_difference([1, 0, 1], [0, 0, 1], confidence=0.95, clusters="aab")


def test_answers_that_move_with_the_order_are_counted() -> None:
    answers = [["rice", "rice"], ["rice", "corn"], [None, "corn"], [None, None]]
    ours = order_sensitivity(answers, ["rice", "rice", "corn", "rice"], confidence=0.95)
    assert ours.changed.estimate == 0.5
    assert ours.accuracy.estimate == pytest.approx(0.5)
    assert ours.right_in_every_order.estimate == 0.25


def test_one_order_says_nothing() -> None:
    with pytest.raises(ValueError, match="item 1 was asked in 1 orders"):
        order_sensitivity([["a", "b"], ["a"]], ["a", "a"], confidence=0.95)
    with pytest.raises(ValueError, match="2 items need as many right answers, got 1"):
        order_sensitivity([["a", "b"], ["a", "b"]], ["a"], confidence=0.95)
