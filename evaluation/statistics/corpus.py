"""Metrics of a whole corpus (chrF++, BLEU): no mean of items, so only resampling gives intervals.

A metric comes as N x S numbers that can be added up (S statistics of each of N segments, such as
matches and lengths) and a function from the S sums to the score. Koehn 2004 resamples segments;
here whole documents are drawn where segments are given clusters.
"""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import percentile_interval, resampled_totals
from .clusters import sum_by_cluster
from .interval import Interval

Score = Callable[[list[float]], float]
"""From the sums of the S statistics to the score."""


def corpus_interval(
    statistics_NS: NDArray[np.float64],
    *,
    score: Score,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return a system's corpus score with its percentile interval."""
    sums_CS = sum_by_cluster(statistics_NS, clusters)
    resampled_R = _scores(resampled_totals(sums_CS, resamples=resamples, seed=seed), score)
    return percentile_interval(
        score(sums_CS.sum(axis=0).tolist()),
        resampled_R,
        confidence=confidence,
        num_items=len(statistics_NS),
        num_groups=len(sums_CS),
    )


def corpus_difference(
    first_NS: NDArray[np.float64],
    second_NS: NDArray[np.float64],
    *,
    score: Score,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return score(first) - score(second): both are scored on the very segments of each resample.

    Raises:
        ValueError: not the same segments.
    """
    if first_NS.shape != second_NS.shape:
        raise ValueError(
            f"paired systems need the same segments, got {first_NS.shape} and {second_NS.shape}"
        )
    num_statistics = first_NS.shape[1]
    sums_CS = sum_by_cluster(np.concatenate([first_NS, second_NS], axis=1), clusters)
    totals_RS = resampled_totals(sums_CS, resamples=resamples, seed=seed)
    resampled_R = _scores(totals_RS[:, :num_statistics], score) - _scores(
        totals_RS[:, num_statistics:], score
    )
    whole_S = sums_CS.sum(axis=0).tolist()
    return percentile_interval(
        score(whole_S[:num_statistics]) - score(whole_S[num_statistics:]),
        resampled_R,
        confidence=confidence,
        num_items=len(first_NS),
        num_groups=len(sums_CS),
    )


def _scores(totals_RS: NDArray[np.float64], score: Score) -> NDArray[np.float64]:
    return np.array([score(total_S) for total_S in totals_RS.tolist()])
