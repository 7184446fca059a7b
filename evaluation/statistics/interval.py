"""How far a share or a mean measured on n items may lie from the truth."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float
    high: float
    standard_error: float
    num_items: int


def wilson_interval(num_right: int, *, num_items: int, confidence: float) -> Interval:
    """Return a share with its Wilson interval, which holds near 0 and 1 and never leaves [0, 1].

    Without items the share is unknown: the estimate is 0 and the interval is all of [0, 1].
    """
    if num_items == 0:
        return Interval(0.0, 0.0, 1.0, math.nan, 0)
    share = num_right / num_items
    z = float(norm.ppf((1 + confidence) / 2))
    shrink = 1 + z * z / num_items
    middle = (share + z * z / (2 * num_items)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / num_items + z * z / (4 * num_items**2))
    standard_error = math.sqrt(share * (1 - share) / num_items)
    # Rounding may leave the ends a hair outside the share at exactly 0 and 1.
    low, high = max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
    return Interval(share, low, high, standard_error, num_items)


def mean_interval(
    values: Sequence[float], *, confidence: float, clusters: Sequence[Hashable] | None = None
) -> Interval:
    """Return a mean with its t interval.

    Args:
        values: one number per item; two or more.
        confidence: 0.95 for a 95 % interval.
        clusters: the group of each item (passage, document). Items of a group are not independent:
            the standard error then is the cluster-robust one, with one degree of freedom per group.

    Raises:
        ValueError: fewer than two items or groups, or not one group per item.
    """
    array = np.asarray(values, dtype=np.float64)
    sums = _sum_by_cluster(array - array.mean(), clusters)
    if len(sums) < 2:
        raise ValueError(f"an interval needs two or more independent items, got {len(sums)}")
    num_groups = len(sums)
    # For groups of one this is the usual standard deviation / sqrt(n).
    standard_error = math.sqrt(num_groups / (num_groups - 1) * float((sums**2).sum())) / len(array)
    half = float(t.ppf((1 + confidence) / 2, num_groups - 1)) * standard_error
    mean = float(array.mean())
    return Interval(mean, mean - half, mean + half, standard_error, len(array))


def _sum_by_cluster(
    values: NDArray[np.float64], clusters: Sequence[Hashable] | None
) -> NDArray[np.float64]:
    if clusters is None:
        return values
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} items need as many clusters, got {len(clusters)}")
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    places = [numbers[cluster] for cluster in clusters]
    return np.bincount(places, weights=values).astype(np.float64)
