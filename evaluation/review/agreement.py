"""How far reviewers agree: with each other, with themselves, and with what is known.

Krippendorff's alpha for nominal data (Krippendorff 2011, "Computing Krippendorff's
Alpha-Reliability"): 1 - observed over expected disagreement, from the matrix of coincidences; 1 is
perfect, 0 is chance.
Its interval is a percentile bootstrap over items.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .votes import Choice, SlotKind, Vote

# U units (items), V values (choices)

USABLE_ALPHA = 0.667
"""Below it votes are shown, but nothing rests on them; Krippendorff's limit for tentative use."""


class Alpha(NamedTuple):
    """Krippendorff's alpha with its interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None
    num_units: int
    """Items with two votes or more."""


def alpha(
    units: Sequence[Sequence[str]],
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Alpha:
    """Return the agreement on some items.

    Args:
        units: the values that each item was given, one for each reviewer who saw it.
        resamples: of the bootstrap over items.
        seed: of the bootstrap.
        confidence: of the interval.
    """
    paired = [unit for unit in units if len(unit) > 1]
    if not paired:
        return Alpha(None, None, None, 0)
    values = sorted({value for unit in paired for value in unit})
    counts_UV = np.array([[list(unit).count(value) for value in values] for unit in paired], float)
    found = _alpha(counts_UV)
    if found is None or len(paired) < 2:
        return Alpha(found, None, None, len(paired))
    generator = np.random.default_rng(seed)
    draws = [
        _alpha(counts_UV[generator.integers(len(paired), size=len(paired))])
        for _ in range(resamples)
    ]
    known = [draw for draw in draws if draw is not None]
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(known, [tail, 100 - tail]) if known else (found, found)
    return Alpha(found, float(low), float(high), len(paired))


def _alpha(counts_UV: NDArray[np.float64]) -> float | None:
    """Return alpha of a table of counts; None where only one value was ever given."""
    totals_U = counts_UV.sum(axis=1)
    totals_V = counts_UV.sum(axis=0)
    pairable = totals_V.sum()
    same_U = (counts_UV * (counts_UV - 1)).sum(axis=1) / (totals_U - 1)
    observed = pairable - same_U.sum()
    expected = (pairable**2 - (totals_V**2).sum()) / (pairable - 1)
    return None if expected == 0 else float(1 - observed / expected)


class Reviewer(NamedTuple):
    """How one reviewer votes."""

    votes: int
    skipped: int
    first_side: float | None
    """Part of the decided votes that went to the first reply on the page; 0.5 is unbiased."""
    ties: float | None
    repeated: int
    self_agreement: float | None
    """Part of the repeated pairs that got the same answer again."""
    golden: int
    golden_right: float | None
    median_seconds: float | None


class Agreement(NamedTuple):
    """Of one region."""

    alpha: Alpha
    reviewers: dict[str, Reviewer]


def agreement(votes: Sequence[Vote], *, seed: int = 0) -> dict[str, Agreement]:
    """Return by region how far the votes agree."""
    regions = sorted({vote.region for vote in votes})
    return {
        region: _of_region([vote for vote in votes if vote.region == region], seed)
        for region in regions
    }


def _of_region(votes: Sequence[Vote], seed: int) -> Agreement:
    names = sorted({vote.reviewer for vote in votes})
    reviewers = {name: _reviewer([v for v in votes if v.reviewer == name]) for name in names}
    return Agreement(alpha(list(units(votes).values()), seed=seed), reviewers)


def units(votes: Sequence[Vote]) -> dict[tuple[str, str, frozenset[str]], list[str]]:
    """Return what each pair was called, by suite, item and systems; a repeat does not count."""
    found: dict[tuple[str, str, frozenset[str]], list[str]] = {}
    for vote in votes:
        if vote.kind is SlotKind.plain and vote.counts:
            key = (vote.suite, vote.item, frozenset(vote.sides))
            found.setdefault(key, []).append(verdict(vote))
    return found


def verdict(vote: Vote) -> str:
    """Return the chosen system, or that none was better."""
    return vote.winner or str(vote.choice)


def _reviewer(votes: Sequence[Vote]) -> Reviewer:
    counted = [vote for vote in votes if vote.counts]
    decided = [vote for vote in counted if vote.winner]
    again = _repeats(votes)
    golden = [v for v in votes if v.kind is SlotKind.golden and v.choice is not Choice.skip]
    seconds = [vote.seconds for vote in counted if vote.seconds > 0]
    return Reviewer(
        votes=len(counted),
        skipped=sum(vote.choice is Choice.skip for vote in votes),
        first_side=_mean([vote.choice == Choice.a for vote in decided]),
        ties=_mean([not vote.winner for vote in counted]),
        repeated=len(again),
        self_agreement=_mean(again),
        golden=len(golden),
        golden_right=_mean([vote.choice == vote.right for vote in golden]),
        median_seconds=float(np.median(seconds)) if seconds else None,
    )


def _repeats(votes: Sequence[Vote]) -> list[bool]:
    first = {(v.suite, v.item): verdict(v) for v in votes if v.kind is SlotKind.plain and v.counts}
    return [
        first[vote.suite, vote.item] == verdict(vote)
        for vote in votes
        if vote.kind is SlotKind.repeat and vote.counts and (vote.suite, vote.item) in first
    ]


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
