"""The headline per language: not floored, errors of tasks added, the bootstrap agrees."""

import math

import numpy as np
import pytest
from lokal.evaluation.statistics.headline import (
    bootstrap_headline_difference,
    headline,
    headline_difference,
)
from lokal.evaluation.statistics.interval import mean_interval
from lokal.evaluation.statistics.paired import paired_difference
from scipy import stats

CLOSE = 1e-9


def _answers(seed: int, *, num_items: int, share: float) -> list[float]:
    return (np.random.default_rng(seed).random(num_items) < share).astype(float).tolist()


def test_one_task_without_chance_is_its_own_interval() -> None:
    task = mean_interval(_answers(0, num_items=90, share=0.7), confidence=0.95)
    ours = headline([task], chances=[0.0], confidence=0.95)
    assert ours == pytest.approx(task, abs=CLOSE)


def test_scores_below_chance_stay_below_zero() -> None:
    task = mean_interval([0.0] * 18 + [1.0] * 2, confidence=0.95)
    ours = headline([task], chances=[0.25], confidence=0.95)
    assert ours.estimate == pytest.approx((0.1 - 0.25) / 0.75, abs=CLOSE)


def test_every_task_weighs_the_same_and_errors_add_in_squares() -> None:
    small = mean_interval(_answers(1, num_items=50, share=0.8), confidence=0.95)
    large = mean_interval(_answers(2, num_items=900, share=0.5), confidence=0.95)
    ours = headline([small, large], chances=[0.5, 0.25], confidence=0.95)
    wanted = ((small.estimate - 0.5) / 0.5 + (large.estimate - 0.25) / 0.75) / 2
    error = math.hypot(small.standard_error / 0.5, large.standard_error / 0.75) / 2
    assert (ours.estimate, ours.standard_error) == pytest.approx((wanted, error), abs=CLOSE)
    assert (ours.num_items, ours.num_groups) == (950, 950)


def test_two_tasks_have_the_interval_of_welchs_t_test() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=12), generator.normal(scale=3, size=40)
    theirs = stats.ttest_ind(first, -second, equal_var=False).confidence_interval(0.95)
    tasks = [mean_interval(values, confidence=0.95) for values in (first, second)]
    ours = headline(tasks, chances=[0.0, 0.0], confidence=0.95)
    assert (2 * ours.low, 2 * ours.high) == pytest.approx((theirs.low, theirs.high), abs=CLOSE)


def test_the_difference_is_that_of_the_headlines_and_the_bootstrap_agrees() -> None:
    chances, sizes = [0.25, 0.0, 0.5], [200, 120, 300]
    clusters = [[index // 4 for index in range(size)] for size in sizes]
    first = [_answers(seed, num_items=size, share=0.7) for seed, size in enumerate(sizes)]
    second = [_answers(seed + 9, num_items=size, share=0.6) for seed, size in enumerate(sizes)]
    made = headline_difference(
        [
            paired_difference(a, b, confidence=0.95, clusters=groups)
            for a, b, groups in zip(first, second, clusters, strict=True)
        ],
        chances=chances,
        confidence=0.95,
    )
    alone = [
        headline(
            [mean_interval(a, confidence=0.95) for a in side], chances=chances, confidence=0.95
        )
        for side in (first, second)
    ]
    assert made.estimate == pytest.approx(alone[0].estimate - alone[1].estimate, abs=CLOSE)
    check = bootstrap_headline_difference(
        [np.array(a) - np.array(b) for a, b in zip(first, second, strict=True)],
        chances=chances,
        clusters=clusters,
        confidence=0.95,
        resamples=4_000,
        seed=0,
    )
    assert check.estimate == pytest.approx(made.estimate, abs=CLOSE)
    assert (check.low, check.high) == pytest.approx((made.low, made.high), abs=0.01)


def test_the_same_answers_have_a_difference_of_zero() -> None:
    same = paired_difference([1.0, 0.0, 1.0], [1.0, 0.0, 1.0], confidence=0.95)
    ours = headline_difference([same], chances=[0.25], confidence=0.95)
    assert (ours.low, ours.estimate, ours.high) == (0.0, 0.0, 0.0)


def test_a_chance_of_one_and_no_tasks_are_refused() -> None:
    task = mean_interval([0.0, 1.0], confidence=0.95)
    with pytest.raises(ValueError, match=r"chance must lie in \[0, 1\), got 1"):
        headline([task], chances=[1], confidence=0.95)
    with pytest.raises(ValueError, match="one chance per task, got 0"):
        headline([], chances=[], confidence=0.95)
