"""What a number of items can show, and how many a difference needs."""

import math

from scipy.stats import norm


def detectable_difference(
    standard_deviation: float, *, num_items: int, confidence: float, power: float
) -> float:
    """Return the smallest true difference that n items show with this power.

    Args:
        standard_deviation: of the per-item differences between the two systems.
        num_items: paired items.
        confidence: 0.95 for a two-sided test at 5 %.
        power: chance to see the difference where it is there, usually 0.8.
    """
    return _quantiles(confidence, power) * standard_deviation / math.sqrt(num_items)


def required_items(
    standard_deviation: float, *, difference: float, confidence: float, power: float
) -> int:
    """Return how many paired items show a true difference of this size with this power."""
    if difference <= 0:
        raise ValueError(f"difference must be above 0, got {difference}")
    return math.ceil((_quantiles(confidence, power) * standard_deviation / difference) ** 2)


def _quantiles(confidence: float, power: float) -> float:
    return float(norm.ppf((1 + confidence) / 2) + norm.ppf(power))
