"""What a number of items can show, and how many a difference needs.

"Two-sided" asks whether two systems differ, "one-sided" whether one is worse by a margin. Items
that hang together count as fewer: the design effect is by how much the variance grows.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from .interval import mean_interval


def design_effect(
    values: Sequence[float] | NDArray[np.float64], *, clusters: Sequence[Hashable] | None
) -> float:
    """Return how many clustered items are worth one that stands alone; 1 or more.

    It is the squared ratio of the cluster-robust to the plain standard error. Where all values are
    equal it cannot be known: each cluster then counts once.
    """
    plain = mean_interval(values, confidence=0.95)
    if clusters is None:
        return 1.0
    robust = mean_interval(values, confidence=0.95, clusters=clusters)
    if plain.standard_error == 0:
        return len(values) / robust.num_groups
    return max(1.0, (robust.standard_error / plain.standard_error) ** 2)


def detectable_difference(
    standard_deviation: float,
    *,
    num_items: int,
    confidence: float,
    power: float,
    design_effect: float = 1.0,
) -> float:
    """Return the smallest true difference that n items show with this power.

    Args:
        standard_deviation: of the per-item differences between the two systems.
        num_items: paired items.
        confidence: 0.95 for a two-sided test at 5 %.
        power: chance to see the difference where it is there, usually 0.8.
        design_effect: of clusters; 1 where items stand alone. With the standard error of a
            clustered interval x sqrt(n) as the deviation, the effect is already in it.
    """
    size = num_items / design_effect
    return _quantiles(confidence, power) * standard_deviation / math.sqrt(size)


def required_items(
    standard_deviation: float,
    *,
    difference: float,
    confidence: float,
    power: float,
    design_effect: float = 1.0,
) -> int:
    """Return how many paired items show a true difference of this size with this power."""
    if difference <= 0:
        raise ValueError(f"difference must be above 0, got {difference}")
    alone = (_quantiles(confidence, power) * standard_deviation / difference) ** 2
    return math.ceil(design_effect * alone)


def not_worse_items(
    standard_deviation: float,
    *,
    margin: float,
    confidence: float,
    power: float,
    true_difference: float = 0.0,
    design_effect: float = 1.0,
) -> int:
    """Return how many paired items show "not worse by the margin" with this power.

    Args:
        standard_deviation: of the per-item differences.
        margin: loss that is still accepted.
        confidence: 0.95 for a one-sided test at 5 %.
        power: chance to pass where the first differs by true_difference.
        true_difference: first - second; above -margin.
        design_effect: of clusters; 1 where items stand alone.
    """
    room = margin + true_difference
    if room <= 0:
        raise ValueError(f"true_difference must lie above -{margin}, got {true_difference}")
    quantiles = float(norm.ppf(confidence) + norm.ppf(power))
    return math.ceil(design_effect * (quantiles * standard_deviation / room) ** 2)


def not_worse_power(
    standard_deviation: float,
    *,
    margin: float,
    num_items: int,
    confidence: float,
    true_difference: float = 0.0,
    design_effect: float = 1.0,
) -> float:
    """Return the chance that n items show "not worse by the margin" (one-sided)."""
    if standard_deviation == 0:
        return float(margin + true_difference > 0)
    error = standard_deviation * math.sqrt(design_effect / num_items)
    return float(norm.cdf((margin + true_difference) / error - norm.ppf(confidence)))


def discordant_items(
    *, only_first: float, only_second: float, confidence: float, power: float
) -> int:
    """Return how many pairs of right/wrong answers a one-sided McNemar test needs.

    Connor 1987 (Biometrics 43:207-211), with the shares of items that only the first, and only the
    second, gets right.
    """
    discordant, difference = only_first + only_second, abs(only_first - only_second)
    if difference == 0:
        raise ValueError("only_first and only_second must differ: there is nothing to show")
    spread = float(norm.ppf(confidence)) * math.sqrt(discordant)
    spread += float(norm.ppf(power)) * math.sqrt(discordant - difference**2)
    return math.ceil((spread / difference) ** 2)


def _quantiles(confidence: float, power: float) -> float:
    return float(norm.ppf((1 + confidence) / 2) + norm.ppf(power))
