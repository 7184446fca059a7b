"""One figure per language: the mean over tasks of (score - chance) / (1 - chance).

A score below chance stays below 0: a floor there would hide harm and bend differences. Every task
weighs the same, however many items it has. The error is that of drawing items (clusters) within
each task; the tasks themselves are fixed and are taken as independent of each other.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from .bootstrap import percentile_interval, resampled_totals
from .clusters import sum_by_cluster
from .interval import Interval


def headline(
    scores: Sequence[Interval], *, chances: Sequence[float], confidence: float
) -> Interval:
    """Return the headline of one system from its score on each task.

    Args:
        scores: a score and its standard error per task, from a mean or a corpus metric.
        chances: what guessing scores on each task; 0 where nothing can be guessed.
        confidence: 0.95 for a 95 % interval.

    Raises:
        ValueError: no task, not one chance per task, or a chance outside [0, 1).
    """
    _check(len(scores), chances)
    estimates = [
        (score.estimate - chance) / (1 - chance)
        for score, chance in zip(scores, chances, strict=True)
    ]
    return _mean_over_tasks(estimates, scores, chances=chances, confidence=confidence)


def headline_difference(
    differences: Sequence[Interval], *, chances: Sequence[float], confidence: float
) -> Interval:
    """Return the difference of two systems' headlines from their paired difference per task."""
    _check(len(differences), chances)
    estimates = [
        difference.estimate / (1 - chance)
        for difference, chance in zip(differences, chances, strict=True)
    ]
    return _mean_over_tasks(estimates, differences, chances=chances, confidence=confidence)


def bootstrap_headline_difference(
    differences: Sequence[NDArray[np.float64]],
    *,
    chances: Sequence[float],
    clusters: Sequence[Sequence[Hashable] | None],
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return the same difference by resampling within tasks; it checks the closed form.

    Args:
        differences: first - second of each item, one array per task.
        clusters: of each task's items; None where items stand alone.
    """
    _check(len(differences), chances)
    resampled_R = np.zeros(resamples)
    estimate, num_items, num_groups = 0.0, 0, 0
    for number, (values_N, chance) in enumerate(zip(differences, chances, strict=True)):
        pairs_N2 = np.stack([values_N, np.ones_like(values_N)], axis=1)
        sums_CS = sum_by_cluster(pairs_N2, clusters[number])
        totals_RS = resampled_totals(sums_CS, resamples=resamples, seed=seed + number)
        weight = 1 / (1 - chance) / len(differences)
        resampled_R += weight * totals_RS[:, 0] / totals_RS[:, 1]
        estimate += weight * float(values_N.mean())
        num_items += len(values_N)
        num_groups += len(sums_CS)
    return percentile_interval(
        estimate, resampled_R, confidence=confidence, num_items=num_items, num_groups=num_groups
    )


def _mean_over_tasks(
    estimates: Sequence[float],
    tasks: Sequence[Interval],
    *,
    chances: Sequence[float],
    confidence: float,
) -> Interval:
    variances = [
        (task.standard_error / (1 - chance) / len(tasks)) ** 2
        for task, chance in zip(tasks, chances, strict=True)
    ]
    error = math.sqrt(sum(variances))
    # Welch and Satterthwaite: the tasks' errors are known to differing degrees.
    doubt = sum(
        variance**2 / (task.num_groups - 1) for variance, task in zip(variances, tasks, strict=True)
    )
    freedom = sum(variances) ** 2 / doubt if doubt else math.inf
    half = float(t.ppf((1 + confidence) / 2, freedom)) * error if error else 0.0
    mean = math.fsum(estimates) / len(estimates)
    return Interval(
        mean,
        mean - half,
        mean + half,
        error,
        sum(task.num_items for task in tasks),
        sum(task.num_groups for task in tasks),
    )


def _check(num_tasks: int, chances: Sequence[float]) -> None:
    if num_tasks == 0 or num_tasks != len(chances):
        raise ValueError(f"a headline needs one chance per task, got {num_tasks} and {chances}")
    for chance in chances:
        if not 0 <= chance < 1:
            raise ValueError(f"chance must lie in [0, 1), got {chance}")
