"""Two systems on the same items: their difference, its interval, and two checks of it."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from scipy.stats import binomtest

from .bootstrap import bootstrap_mean
from .interval import Interval, mean_interval


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
    return bootstrap_mean(
        _differences(first, second),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        clusters=clusters,
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
