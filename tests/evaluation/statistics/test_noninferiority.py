"""Tango's score interval: published figures, its own equation to 1e-9, McNemar, clusters."""

import numpy as np
import pytest
from lokal.evaluation.statistics.noninferiority import (
    DiscordantCounts,
    discordant_counts,
    not_worse_p_value,
    paired_share_interval,
    tango_interval,
    tango_score,
)
from lokal.evaluation.statistics.paired import paired_difference
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

CLOSE = 1e-9


def test_published_interval_of_21_pairs() -> None:
    # Fagerland, Lydersen and Laake 2014 (Statistics in Medicine 33:2850), their first example.
    low, high = tango_interval(DiscordantCounts(1, 7, 21), confidence=0.95)
    assert (low, high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize("counts", [(1, 7, 21), (40, 20, 160), (0, 3, 342), (5, 0, 100)])
def test_at_its_ends_the_score_is_the_critical_value(counts: tuple[int, int, int]) -> None:
    made = DiscordantCounts(*counts)
    low, high = tango_interval(made, confidence=0.9)
    critical = stats.norm.ppf(0.95)
    assert tango_score(made, difference=low) == pytest.approx(critical, abs=CLOSE)
    assert tango_score(made, difference=high) == pytest.approx(-critical, abs=CLOSE)


def test_without_a_margin_it_is_mcnemars_test() -> None:
    theirs = mcnemar([[0, 40], [20, 0]], exact=False, correction=False)
    ours = tango_score(DiscordantCounts(40, 20, 160), difference=0.0)
    assert ours**2 == pytest.approx(getattr(theirs, "statistic"), abs=CLOSE)  # noqa: B009  untyped


def test_no_item_that_differs_has_a_known_interval() -> None:
    low, high = tango_interval(DiscordantCounts(0, 0, 342), confidence=0.95)
    square = stats.chi2.ppf(0.95, 1)
    assert (low, high) == pytest.approx(
        (-square / (342 + square), square / (342 + square)), abs=CLOSE
    )


def test_swapping_the_systems_mirrors_the_interval() -> None:
    low, high = tango_interval(DiscordantCounts(9, 2, 50), confidence=0.95)
    mirrored = tango_interval(DiscordantCounts(2, 9, 50), confidence=0.95)
    assert mirrored == pytest.approx((-high, -low), abs=CLOSE)


def test_extremes_stay_inside_minus_one_and_one() -> None:
    low, high = tango_interval(DiscordantCounts(0, 20, 20), confidence=0.95)
    assert low == -1.0
    assert -1 < high < 0


def test_the_p_value_is_small_exactly_where_the_bound_lies_above_the_margin() -> None:
    counts = DiscordantCounts(3, 6, 500)
    low, _ = tango_interval(counts, confidence=0.9)
    assert (
        not_worse_p_value(counts, margin=-low + 1e-6)
        < 0.05
        < not_worse_p_value(counts, margin=-low - 1e-6)
    )


def test_with_many_differing_items_it_is_close_to_the_t_interval() -> None:
    generator = np.random.default_rng(0)
    first = (generator.random(5_000) < 0.6).astype(float).tolist()
    second = (generator.random(5_000) < 0.5).astype(float).tolist()
    ours = paired_share_interval(first, second, confidence=0.95)
    plain = paired_difference(first, second, confidence=0.95)
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=5e-4)
    assert ours.estimate == plain.estimate


def test_clusters_widen_it_and_equal_answers_count_each_cluster_once() -> None:
    first, second = [1.0] * 40, [0.0] * 4 + [1.0] * 36
    clusters = [index // 4 for index in range(40)]
    plain = paired_share_interval(first, second, confidence=0.95)
    wide = paired_share_interval(first, second, confidence=0.95, clusters=clusters)
    assert wide.high - wide.low > 1.5 * (plain.high - plain.low)
    assert wide.num_groups == 10
    assert discordant_counts(first, first, clusters=clusters) == (0.0, 0.0, 10.0)


def test_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="same items, got 2 and 1"):
        paired_share_interval([1, 0], [1], confidence=0.95)
