"""Sizes: statsmodels' power to 1e-9, the published sizes, design effects, and simulation."""

import math

import numpy as np
import pytest
from lokal.evaluation.statistics.interval import mean_interval
from lokal.evaluation.statistics.power import (
    design_effect,
    detectable_difference,
    discordant_items,
    not_worse_items,
    not_worse_power,
    required_items,
)
from statsmodels.stats.power import normal_power_het

CLOSE = 1e-9


def test_power_of_not_worse_equals_statsmodels() -> None:
    theirs = normal_power_het(0.02, 1_300, 0.05, std_null=0.29, alternative="larger")
    ours = not_worse_power(0.29, margin=0.02, num_items=1_300, confidence=0.95)
    assert ours == pytest.approx(float(theirs), abs=CLOSE)


@pytest.mark.parametrize(("margin", "num_items"), [(0.02, 1_299), (0.01, 5_194)])
def test_sizes_that_show_no_forgetting(margin: float, num_items: int) -> None:
    deviation = math.sqrt(2 * 0.7 * 0.3 * (1 - 0.8))  # share .7, correlation of the systems .8
    ours = not_worse_items(deviation, margin=margin, confidence=0.95, power=0.8)
    assert ours == num_items
    reached = not_worse_power(deviation, margin=margin, num_items=ours, confidence=0.95)
    assert 0.8 <= reached < 0.801


@pytest.mark.parametrize(("rise", "num_items"), [(0.05, 172), (0.03, 342), (0.02, 617)])
def test_sizes_that_show_a_rise_of_failures(rise: float, num_items: int) -> None:
    # One in a hundred flips either way, and the rise comes on top.
    ours = discordant_items(only_first=rise + 0.01, only_second=0.01, confidence=0.95, power=0.8)
    assert ours == num_items


def test_a_true_gain_needs_fewer_items_and_a_loss_of_the_margin_never_passes() -> None:
    plain = not_worse_items(0.3, margin=0.02, confidence=0.95, power=0.95)
    better = not_worse_items(0.3, margin=0.02, confidence=0.95, power=0.95, true_difference=0.01)
    assert better < plain / 2
    with pytest.raises(ValueError, match=r"must lie above -0.02, got -0.02"):
        not_worse_items(0.3, margin=0.02, confidence=0.95, power=0.8, true_difference=-0.02)
    with pytest.raises(ValueError, match="nothing to show"):
        discordant_items(only_first=0.1, only_second=0.1, confidence=0.95, power=0.8)


def test_the_design_effect_is_the_squared_ratio_of_the_errors() -> None:
    generator = np.random.default_rng(0)
    clusters = np.repeat(np.arange(100), 4)
    values = (generator.normal(size=100)[clusters] + generator.normal(size=400)).tolist()
    robust = mean_interval(values, confidence=0.95, clusters=clusters.tolist())
    plain = mean_interval(values, confidence=0.95)
    ours = design_effect(values, clusters=clusters.tolist())
    assert ours == pytest.approx((robust.standard_error / plain.standard_error) ** 2, abs=CLOSE)
    assert 2.0 < ours < 3.2  # 1 + 3 x correlation of .5 = 2.5
    assert design_effect(values, clusters=None) == 1.0
    assert design_effect([1.0] * 8, clusters=[1, 1, 1, 1, 2, 2, 2, 2]) == 4.0


def test_clusters_make_the_detectable_difference_larger_and_cost_items() -> None:
    plain = detectable_difference(0.5, num_items=900, confidence=0.95, power=0.8)
    wide = detectable_difference(0.5, num_items=900, confidence=0.95, power=0.8, design_effect=1.3)
    assert wide == pytest.approx(plain * math.sqrt(1.3), abs=CLOSE)
    alone = required_items(0.5, difference=0.05, confidence=0.95, power=0.8)
    needed = required_items(0.5, difference=0.05, confidence=0.95, power=0.8, design_effect=1.3)
    assert needed == pytest.approx(1.3 * alone, abs=2)
