"""Drawing whole clusters again with replacement: what closed forms are checked by."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from .clusters import sum_by_cluster
from .interval import Interval

# C clusters, S statistics of a cluster, R resamples
_INDICES_AT_ONCE = 4_000_000  # 32 MB of resampled indices


def resampled_totals(
    sums_CS: NDArray[np.float64], *, resamples: int, seed: int
) -> NDArray[np.float64]:
    """Return the total of each resample, R x S: C clusters are drawn with replacement, R times.

    The same seed draws the same clusters, so that two systems can be resampled as pairs.
    """
    num_clusters = len(sums_CS)
    generator = np.random.default_rng(seed)
    totals: list[NDArray[np.float64]] = []
    done = 0
    while done < resamples:
        rows = min(resamples - done, max(1, _INDICES_AT_ONCE // num_clusters))
        drawn = generator.integers(num_clusters, size=(rows, num_clusters))
        places = drawn + num_clusters * np.arange(rows)[:, None]
        times = np.bincount(places.ravel(), minlength=rows * num_clusters)
        totals.append(times.reshape(rows, num_clusters) @ sums_CS)
        done += rows
    return np.concatenate(totals)


def bootstrap_mean(
    values: Sequence[float] | NDArray[np.float64],
    *,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return a mean with a percentile interval; whole clusters are drawn, never single answers."""
    array = np.asarray(values, dtype=np.float64)
    sums_CS = sum_by_cluster(np.stack([array, np.ones_like(array)], axis=1), clusters)
    totals_RS = resampled_totals(sums_CS, resamples=resamples, seed=seed)
    means_R = totals_RS[:, 0] / totals_RS[:, 1]
    return percentile_interval(
        float(array.mean()),
        means_R,
        confidence=confidence,
        num_items=len(array),
        num_groups=len(sums_CS),
    )


def percentile_interval(
    estimate: float,
    resampled_R: NDArray[np.float64],
    *,
    confidence: float,
    num_items: int,
    num_groups: int,
) -> Interval:
    """Return the estimate with the middle part of its resampled values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled_R, [tail, 1 - tail])
    error = float(np.std(resampled_R))
    return Interval(estimate, float(low), float(high), error, num_items, num_groups)
