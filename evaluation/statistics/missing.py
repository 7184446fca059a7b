"""What a comparison would say if the missing replies had been the worst, or the best, possible."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .interval import Interval
from .paired import paired_difference


class MissingBounds(NamedTuple):
    """The difference first - second under both extremes; all items count in both."""

    worst: Interval
    """Missing first = 0, missing second = 1."""
    best: Interval
    """Missing first = 1, missing second = 0."""


def missing_bounds(
    first: Sequence[float | None],
    second: Sequence[float | None],
    *,
    confidence: float,
    clusters: Sequence[Hashable] | None = None,
) -> MissingBounds:
    """Return the two extremes; without missing values both are the paired difference."""
    worst, best = (
        paired_difference(
            fill_missing(first, value=mine),
            fill_missing(second, value=1 - mine),
            confidence=confidence,
            clusters=clusters,
        )
        for mine in (0.0, 1.0)
    )
    return MissingBounds(worst, best)


def fill_missing(values: Sequence[float | None], *, value: float) -> list[float]:
    """Return the values with this one in place of each that is missing."""
    return [value if one is None else float(one) for one in values]
