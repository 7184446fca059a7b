"""Two means of different items: no pairs, so their errors add."""

import math

from scipy.stats import t

from .interval import Interval


def independent_difference(first: Interval, second: Interval, *, confidence: float) -> Interval:
    """Return first - second of two means with Welch's t interval."""
    variances = [first.standard_error**2, second.standard_error**2]
    error = math.sqrt(sum(variances))
    estimate = first.estimate - second.estimate
    doubt = sum(
        variance**2 / (made.num_groups - 1)
        for variance, made in zip(variances, (first, second), strict=True)
    )
    freedom = sum(variances) ** 2 / doubt if doubt else math.inf
    half = float(t.ppf((1 + confidence) / 2, freedom)) * error if error else 0.0
    return Interval(
        estimate,
        estimate - half,
        estimate + half,
        error,
        first.num_items,
        min(first.num_groups, second.num_groups),
    )
