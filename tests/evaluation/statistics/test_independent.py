"""Two means of different items."""

import numpy as np
import pytest
from lokal.evaluation.statistics.independent import independent_difference
from lokal.evaluation.statistics.interval import mean_interval
from scipy import stats

CLOSE = 1e-9


def test_it_is_welchs_interval() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=40), generator.normal(1, 3, size=17)
    ours = independent_difference(
        mean_interval(first, confidence=0.9), mean_interval(second, confidence=0.9), confidence=0.9
    )
    theirs = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=CLOSE)
