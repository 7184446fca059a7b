"""How far a share or a mean measured on n items may lie from the truth."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from .clusters import sum_by_cluster


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float
    high: float
    standard_error: float
    num_items: int
    num_groups: int
    """Independent draws behind it: clusters, or items where each stands alone."""


def wilson_interval(num_right: float, *, num_items: int, confidence: float) -> Interval:
    """Return a share with its Wilson interval, which holds near 0 and 1 and never leaves [0, 1].

    Without items the share is unknown: the estimate is 0 and the interval is all of [0, 1].
    """
    if num_items == 0:
        return Interval(0.0, 0.0, 1.0, math.nan, 0, 0)
    share = num_right / num_items
    z = float(norm.ppf((1 + confidence) / 2))
    low, high = _wilson_ends(share, size=num_items, critical=z)
    standard_error = math.sqrt(share * (1 - share) / num_items)
    return Interval(share, low, high, standard_error, num_items, num_items)


def share_interval(
    values: Sequence[float], *, confidence: float, clusters: Sequence[Hashable] | None = None
) -> Interval:
    """Return the Wilson interval of a share whose items may hang together.

    The number of items shrinks to the effective one of Korn and Graubard (1998): share x
    (1 - share) / squared cluster-robust error, never more than the items; t with one degree of
    freedom per cluster takes the place of z. A share of exactly 0 or 1 says nothing of how alike
    the items of a cluster are: then each cluster counts once. Parts (0.5) are allowed; the
    interval is a little too wide for them, never too narrow.

    Raises:
        ValueError: a value outside [0, 1], no items, or fewer than two clusters.
    """
    if len(values) == 0 or min(values) < 0 or max(values) > 1:
        raise ValueError("a share needs items with values in [0, 1]")
    if clusters is None:
        return wilson_interval(sum(values), num_items=len(values), confidence=confidence)
    made = mean_interval(values, confidence=confidence, clusters=clusters)
    critical = float(t.ppf((1 + confidence) / 2, made.num_groups - 1))
    low, high = _wilson_ends(made.estimate, size=effective_items(made), critical=critical)
    return made._replace(low=low, high=high)


def effective_items(share: Interval) -> float:
    """Return how many items that stand alone a share's clustered items are worth."""
    spread = share.estimate * (1 - share.estimate)
    if share.num_groups == share.num_items:
        return float(share.num_items)
    if spread <= 0 or share.standard_error == 0:
        return float(share.num_groups)
    return min(float(share.num_items), spread / share.standard_error**2)


def mean_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    confidence: float,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return a mean with its t interval.

    Args:
        values: one number per item; two or more.
        confidence: 0.95 for a 95 % interval.
        clusters: the group of each item (passage, document). Items of a group are not independent:
            the standard error then is the cluster-robust one with the factor C / (C - 1) for C
            groups, and t has C - 1 degrees of freedom.

    Raises:
        ValueError: fewer than two items or groups, or not one group per item.
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean()) if len(array) else 0.0
    sums = sum_by_cluster((array - mean)[:, None], clusters)[:, 0]
    num_groups = len(sums)
    if num_groups < 2:
        raise ValueError(f"an interval needs two or more independent items, got {num_groups}")
    # For groups of one this is the usual standard deviation / sqrt(n).
    standard_error = math.sqrt(num_groups / (num_groups - 1) * float((sums**2).sum())) / len(array)
    half = float(t.ppf((1 + confidence) / 2, num_groups - 1)) * standard_error
    return Interval(mean, mean - half, mean + half, standard_error, len(array), num_groups)


def _wilson_ends(share: float, *, size: float, critical: float) -> tuple[float, float]:
    shrink = 1 + critical**2 / size
    middle = (share + critical**2 / (2 * size)) / shrink
    variance = share * (1 - share) / size + critical**2 / (4 * size**2)
    half = critical / shrink * math.sqrt(variance)
    # Rounding may leave the ends a hair outside the share at exactly 0 and 1.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
