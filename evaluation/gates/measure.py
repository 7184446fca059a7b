"""One series measured: the difference of child and parent, or the child's level, with its bounds.

Shares (0 or 1 an item) take score intervals, which hold near 0 and 1; other values the t interval;
corpus metrics the bootstrap.
"""

import math
from typing import NamedTuple

from scipy.stats import norm, t

from ..statistics.corpus import corpus_difference
from ..statistics.interval import Interval, effective_items, share_interval
from ..statistics.noninferiority import discordant_counts, paired_share_interval, tango_score
from ..statistics.paired import paired_difference
from .series import GateSeries
from .thresholds import GateThresholds


class Measured(NamedTuple):
    """A figure with its two-sided interval, and how likely it is where the truth is no lower."""

    interval: Interval
    low_p: float
    """p-value against "the true figure is at least the one asked for"."""


def measure_difference(
    series: GateSeries, *, at_least: float, confidence: float, thresholds: GateThresholds
) -> Measured:
    """Return child - parent over a series without missing values.

    Args:
        series: two or more independent items.
        at_least: the true difference that low_p speaks against.
        confidence: of the two-sided interval.
        thresholds: for the bootstrap of corpus metrics.
    """
    first, second = series.values()
    if series.corpus is not None:
        made = corpus_difference(
            series.corpus.first_NS,
            series.corpus.second_NS,
            score=series.corpus.score,
            confidence=confidence,
            resamples=thresholds.resamples,
            seed=thresholds.seed,
            clusters=series.clusters,
        )
        return Measured(made, low_p_value(made, at_least=at_least))
    if is_share(series):
        made = paired_share_interval(first, second, confidence=confidence, clusters=series.clusters)
        counts = discordant_counts(first, second, clusters=series.clusters)
        return Measured(made, float(norm.cdf(tango_score(counts, difference=at_least))))
    made = paired_difference(first, second, confidence=confidence, clusters=series.clusters)
    return Measured(made, low_p_value(made, at_least=at_least))


def measure_level(series: GateSeries, *, at_least: float, confidence: float) -> Measured:
    """Return the child's share of good replies."""
    first, _ = series.values()
    made = share_interval(first, confidence=confidence, clusters=series.clusters)
    spread = math.sqrt(at_least * (1 - at_least) / effective_items(made))
    distance = made.estimate - at_least
    low_p = float(norm.cdf(distance / spread)) if spread else float(distance >= 0)
    return Measured(made, low_p)


def low_p_value(made: Interval, *, at_least: float) -> float:
    """Return the one-sided p-value of a mean against "the truth is at least this"."""
    distance = made.estimate - at_least
    if made.standard_error == 0:
        return float(distance >= 0)
    return float(t.cdf(distance / made.standard_error, max(1, made.num_groups - 1)))


def is_share(series: GateSeries) -> bool:
    """Return whether every value is 0 or 1."""
    return {*series.first, *series.second} <= {0, 1, None}
