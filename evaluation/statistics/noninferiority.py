"""Paired shares near 0 or 1: the first is not worse than the second by a margin, or not shown so.

Where few items differ, the t interval of the differences is too narrow, and of no width where none
does. Tango (1998, Statistics in Medicine 17:891-908) inverts the score test of the difference with
the discordant share estimated under the very difference that is tested; with a margin of 0 it is
McNemar's test.
"""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import norm

from .interval import Interval, mean_interval
from .power import design_effect


class DiscordantCounts(NamedTuple):
    """Of n items, how many only the first, and how many only the second, got right."""

    only_first: float
    only_second: float
    num_items: float


def paired_share_interval(
    first: Sequence[float],
    second: Sequence[float],
    *,
    confidence: float,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return the difference of two paired shares with Tango's score interval.

    Parts (0.5) are allowed: the interval is a little too wide for them. Items that hang together
    count as fewer: all counts are divided by the design effect.

    Raises:
        ValueError: not the same number of items, or fewer than two items or clusters.
    """
    counts = discordant_counts(first, second, clusters=clusters)
    low, high = tango_interval(counts, confidence=confidence)
    differences_N = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    made = mean_interval(differences_N, confidence=confidence, clusters=clusters)
    return made._replace(low=low, high=high)


def discordant_counts(
    first: Sequence[float],
    second: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
) -> DiscordantCounts:
    """Return the effective counts: those of the items, divided by the design effect of clusters.

    Where no item differs nothing is known of the design effect: then each cluster counts once.
    """
    if len(first) != len(second):
        raise ValueError(f"paired systems need the same items, got {len(first)} and {len(second)}")
    differences_N = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    effect = design_effect(differences_N, clusters=clusters)
    return DiscordantCounts(
        only_first=float(np.maximum(differences_N, 0.0).sum()) / effect,
        only_second=float(np.maximum(-differences_N, 0.0).sum()) / effect,
        num_items=len(differences_N) / effect,
    )


def tango_interval(counts: DiscordantCounts, *, confidence: float) -> tuple[float, float]:
    """Return the two differences at which the score is just as large as the confidence allows."""
    critical = float(norm.ppf((1 + confidence) / 2))
    estimate = (counts.only_first - counts.only_second) / counts.num_items
    return (
        _end(counts, between=(-1.0, estimate), score=critical),
        _end(counts, between=(estimate, 1.0), score=-critical),
    )


def not_worse_p_value(counts: DiscordantCounts, *, margin: float) -> float:
    """Return the one-sided p-value of "the first is worse by the margin or more"."""
    return float(norm.sf(tango_score(counts, difference=-margin)))


def tango_score(counts: DiscordantCounts, *, difference: float) -> float:
    """Return how many standard errors the measured difference lies above this one."""
    only_first, only_second, size = counts
    distance = only_first - only_second - size * difference
    # The likeliest share of "only the second" if the difference were this one (root of a x2+b x+c).
    a = 2 * size
    b = -only_first - only_second + (2 * size - only_first + only_second) * difference
    c = -only_second * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = size * (2 * share + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _end(counts: DiscordantCounts, *, between: tuple[float, float], score: float) -> float:
    """Return the difference in this range with this score; the outer end where none has it."""
    outer = between[0] if score > 0 else between[1]
    if between[0] == between[1] or abs(tango_score(counts, difference=outer)) < abs(score):
        return outer
    inner = between[1] if score > 0 else between[0]
    nearer = inner + (outer - inner) * 1e-12  # at the estimate itself the score may be 0 / 0
    found = root_scalar(
        lambda difference: tango_score(counts, difference=difference) - score,
        bracket=[outer, nearer],
        xtol=1e-14,
    )
    return float(found.root)
