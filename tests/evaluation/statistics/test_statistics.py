"""Closed forms, scipy and statsmodels to 1e-9, and coverage by simulation."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from lokal.evaluation.statistics.interval import mean_interval, share_interval, wilson_interval
from lokal.evaluation.statistics.multiplicity import benjamini_hochberg, holm
from lokal.evaluation.statistics.paired import (
    bootstrap_difference,
    mcnemar_exact,
    paired_difference,
)
from lokal.evaluation.statistics.power import detectable_difference, required_items
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

CLOSE = 1e-9


def _answers(seed: int, *, num_items: int = 163) -> tuple[list[bool], list[bool]]:
    """Two systems that share the difficulty of the items."""
    generator = np.random.default_rng(seed)
    easy = generator.random(num_items)
    first = generator.random(num_items) < 0.3 + 0.5 * easy
    second = generator.random(num_items) < 0.1 + 0.5 * easy
    return first.tolist(), second.tolist()


def test_mean_and_t_interval_equal_scipy() -> None:
    values = np.random.default_rng(0).normal(size=57).tolist()
    ours = mean_interval(values, confidence=0.95)
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error)
    assert (ours.estimate, ours.standard_error) == pytest.approx(
        (np.mean(values), error), abs=CLOSE
    )
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=CLOSE)


def test_clustered_error_equals_statsmodels() -> None:
    generator = np.random.default_rng(1)
    clusters = generator.integers(20, size=120)
    values = generator.normal(size=20)[clusters] + generator.normal(size=120)
    fit = sm.OLS(values, np.ones(120)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    ours = mean_interval(values.tolist(), confidence=0.95, clusters=clusters.tolist())
    assert ours.standard_error == pytest.approx(float(fit.bse[0]), abs=CLOSE)
    half = stats.t.ppf(0.975, len(set(clusters.tolist())) - 1) * ours.standard_error
    assert ours.high - ours.estimate == pytest.approx(half, abs=CLOSE)


def test_clustered_error_is_that_of_inspect() -> None:
    """Miller 2024, appendix A, with the factor C / (C - 1) that inspect_ai 0.3.285 adds."""
    generator = np.random.default_rng(6)
    clusters = generator.integers(9, size=70)
    values = generator.random(size=9)[clusters] + generator.random(size=70)
    products = 0.0
    for one in range(70):
        for other in range(70):
            if clusters[one] == clusters[other]:
                products += (values[one] - values.mean()) * (values[other] - values.mean())
    wanted = math.sqrt(products * 9 / 8) / 70
    ours = mean_interval(values, confidence=0.95, clusters=clusters.tolist())
    assert ours.standard_error == pytest.approx(wanted, abs=CLOSE)
    assert ours.num_groups == 9


def test_clustered_share_is_wilsons_for_the_effective_number_of_items() -> None:
    clusters = [index // 3 for index in range(120)]
    values = [float(index % 10 < 8) for index in range(40) for _ in range(3)]  # all alike
    ours = share_interval(values, confidence=0.95, clusters=clusters)
    # Three alike are worth one; the factor C / (C - 1) and t instead of z widen it a little.
    alone = share_interval(values[::3], confidence=0.95)
    assert ours.estimate == alone.estimate
    assert 1.0 < (ours.high - ours.low) / (alone.high - alone.low) < 1.06
    size = 0.8 * 0.2 / ours.standard_error**2
    critical = stats.t.ppf(0.975, 39)
    middle = (0.8 + critical**2 / (2 * size)) / (1 + critical**2 / size)
    assert (ours.low + ours.high) / 2 == pytest.approx(middle, abs=CLOSE)


def test_a_clustered_share_of_one_counts_each_cluster_once() -> None:
    ours = share_interval([1.0] * 40, confidence=0.95, clusters=[i // 4 for i in range(40)])
    square = stats.t.ppf(0.975, 9) ** 2
    assert (ours.low, ours.high) == pytest.approx((10 / (10 + square), 1.0), abs=CLOSE)


def test_what_is_no_share_is_refused() -> None:
    for values in ([], [0.5, 1.1], [-0.1]):
        with pytest.raises(ValueError, match="a share needs items with values in"):
            share_interval(values, confidence=0.95)


def test_clusters_of_one_item_change_nothing() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    plain = mean_interval(values, confidence=0.95)
    assert mean_interval(values, confidence=0.95, clusters="abcde") == pytest.approx(
        plain, abs=CLOSE
    )


@pytest.mark.parametrize(("num_right", "num_items"), [(0, 163), (18, 163), (116, 163), (163, 163)])
def test_wilson_equals_statsmodels(num_right: int, num_items: int) -> None:
    ours = wilson_interval(num_right, num_items=num_items, confidence=0.95)
    theirs = proportion_confint(num_right, num_items, alpha=0.05, method="wilson")
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=CLOSE)
    assert 0 <= ours.low <= ours.estimate <= ours.high <= 1


def test_wilson_without_items_knows_nothing() -> None:
    ours = wilson_interval(0, num_items=0, confidence=0.95)
    assert (ours.low, ours.high, ours.num_items) == (0.0, 1.0, 0)


def test_paired_difference_equals_scipys_paired_t_test() -> None:
    first, second = _answers(2)
    ours = paired_difference(first, second, confidence=0.95)
    theirs = stats.ttest_rel(np.array(first, float), np.array(second, float)).confidence_interval(
        0.95
    )
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=CLOSE)


def test_bootstrap_agrees_with_the_t_interval_and_is_seeded() -> None:
    first, second = _answers(3)
    exact = paired_difference(first, second, confidence=0.95)
    ours = bootstrap_difference(first, second, confidence=0.95, resamples=10_000, seed=7)
    again = bootstrap_difference(first, second, confidence=0.95, resamples=10_000, seed=7)
    assert ours == again
    assert (ours.low, ours.high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_bootstrap_draws_whole_clusters() -> None:
    first, second = [1.0] * 40, [0.0] * 20 + [1.0] * 20
    clusters = [index // 10 for index in range(40)]
    plain = bootstrap_difference(first, second, confidence=0.95, resamples=2_000, seed=0)
    wide = bootstrap_difference(
        first, second, confidence=0.95, resamples=2_000, seed=0, clusters=clusters
    )
    assert wide.high - wide.low > 2 * (plain.high - plain.low)


def test_mcnemar_equals_statsmodels() -> None:
    first, second = _answers(4)
    ours = mcnemar_exact(first, second)
    theirs = mcnemar([[0, ours.only_first], [ours.only_second, 0]], exact=True)
    assert ours.p_value == pytest.approx(getattr(theirs, "pvalue"), abs=CLOSE)  # noqa: B009  untyped


def test_a_system_against_itself_shows_nothing() -> None:
    first, _ = _answers(5)
    assert mcnemar_exact(first, first).p_value == 1.0
    ours = paired_difference(first, first, confidence=0.95)
    assert (ours.low, ours.estimate, ours.high) == (0.0, 0.0, 0.0)


def test_holm_equals_statsmodels() -> None:
    p_values = [0.04, 0.001, 0.03, 0.2, 0.011, 0.9]
    theirs = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(np.asarray(theirs), abs=CLOSE)
    assert holm([]) == []


def test_benjamini_hochberg_equals_statsmodels() -> None:
    p_values = [0.04, 0.001, 0.03, 0.2, 0.011, 0.9, 0.04]
    theirs = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(np.asarray(theirs), abs=CLOSE)
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize(
    ("num_items", "correlation", "points"),
    [(400, 0.5, 6.9), (400, 0.7, 5.3), (550, 0.5, 5.9), (550, 0.7, 4.5)],
)
def test_detectable_difference_at_known_sizes(
    num_items: int, correlation: float, points: float
) -> None:
    deviation = math.sqrt(2 * 0.6 * 0.4 * (1 - correlation))
    ours = detectable_difference(deviation, num_items=num_items, confidence=0.95, power=0.8)
    assert 100 * ours == pytest.approx(points, abs=0.06)
    again = required_items(deviation, difference=ours, confidence=0.95, power=0.8)
    assert again in (num_items, num_items + 1)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="same items, got 2 and 1"):
        paired_difference([1, 0], [1], confidence=0.95)
    with pytest.raises(ValueError, match="two or more independent items, got 1"):
        mean_interval([1.0, 0.0], confidence=0.95, clusters=["a", "a"])
    with pytest.raises(ValueError, match="as many clusters, got 1"):
        mean_interval([1.0, 0.0], confidence=0.95, clusters=["a"])


def _coverage(*, simulations: int, num_items: int, seed: int) -> float:
    """Share of simulated comparisons whose 95 % interval holds the true difference of 0.1."""
    generator = np.random.default_rng(seed)
    held = 0
    for _ in range(simulations):
        easy = generator.random(num_items)
        first = generator.random(num_items) < 0.3 + 0.5 * easy
        second = generator.random(num_items) < 0.2 + 0.5 * easy
        ours = paired_difference(first.tolist(), second.tolist(), confidence=0.95)
        held += ours.low <= 0.1 <= ours.high
    return held / simulations


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert 0.93 <= _coverage(simulations=1_000, num_items=163, seed=0) <= 0.97


@pytest.mark.proof
def test_intervals_hold_the_truth_as_often_as_they_say_at_every_size() -> None:
    for num_items in (30, 99, 163, 900):
        assert 0.94 <= _coverage(simulations=20_000, num_items=num_items, seed=1) <= 0.96
