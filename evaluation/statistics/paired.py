"""Two systems on the same items: their difference, its interval, and two checks of it."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from .interval import Interval, mean_interval

_INDICES_AT_ONCE = 4_000_000  # 32 MB of resampled indices


class Discordant(NamedTuple):
    """On how many items exactly one of two systems is right, and how likely that is by chance."""

    only_first: int
    only_second: int
    p_value: float


def paired_difference(
    first: Sequence[float],
    second: Sequence[float],
    *,
    confidence: float,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return the mean of first - second with the t interval of the per-item differences.

    Args:
        first: score of one system, one per item.
        second: score of the other on the same items, in the same order.
        confidence: 0.95 for a 95 % interval.
        clusters: the group of each item, where items are not independent.

    Raises:
        ValueError: not the same number of items, or fewer than two.
    """
    return mean_interval(_differences(first, second), confidence=confidence, clusters=clusters)


def bootstrap_difference(
    first: Sequence[float],
    second: Sequence[float],
    *,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Return the same difference with a percentile interval; it checks the t interval.

    Whole items (or whole clusters) are drawn again with replacement, never single answers.
    """
    differences = np.asarray(_differences(first, second), dtype=np.float64)
    groups = list(range(len(differences))) if clusters is None else list(clusters)
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    place = [numbers[group] for group in groups]
    sums, sizes = np.bincount(place, weights=differences), np.bincount(place)
    generator = np.random.default_rng(seed)
    means: list[float] = []
    while len(means) < resamples:
        rows = min(resamples - len(means), max(1, _INDICES_AT_ONCE // len(sums)))
        drawn = generator.integers(len(sums), size=(rows, len(sums)))
        means += (sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)).tolist()
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(
        float(differences.mean()), float(low), float(high), float(np.std(means)), len(differences)
    )


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> Discordant:
    """Return the exact two-sided McNemar test of right/wrong answers to the same items."""
    if len(first) != len(second):
        raise ValueError(f"paired systems need the same items, got {len(first)} and {len(second)}")
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    total = only_first + only_second
    p_value = float(binomtest(only_first, total, 0.5).pvalue) if total else 1.0
    return Discordant(only_first, only_second, p_value)


def _differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    if len(first) != len(second):
        raise ValueError(f"paired systems need the same items, got {len(first)} and {len(second)}")
    return [float(a) - float(b) for a, b in zip(first, second, strict=True)]
