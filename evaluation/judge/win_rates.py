"""How often one system's replies beat another's, by one judge or by the panel of fit ones."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from ...data.manifest import Json
from ..statistics.interval import Interval, share_interval
from ..statistics.win_rate import Games, controlled_win_rate
from .pairwise import BY_CHECKS, IDENTICAL, JUDGED, LEFT, RIGHT, TIE, UNREADABLE, PairRow


class Draws(NamedTuple):
    """How intervals are made."""

    confidence: float
    resamples: int
    seed: int


def count_outcomes(rows: Sequence[PairRow], *, num_missing: int) -> dict[str, Json]:
    """Return how the pairs ended; what the rules settled stands apart from what was judged."""

    def count(how: str, outcome: str | None = None) -> int:
        return sum(row.how == how and outcome in (None, row.outcome) for row in rows)

    return {
        "pairs": len(rows),
        "judged": {name: count(JUDGED, name) for name in (LEFT, TIE, RIGHT)},
        "by_checks": {
            "only_left_failed": count(BY_CHECKS, RIGHT),
            "only_right_failed": count(BY_CHECKS, LEFT),
            "both_failed": count(BY_CHECKS, TIE),
        },
        "identical": count(IDENTICAL),
        "unreadable": count(UNREADABLE),
        "missing": num_missing,
    }


def mean_rows(by_judge: Sequence[Sequence[PairRow]]) -> list[tuple[PairRow, float]]:
    """Return each pair that some judge has scored, with the mean over those who have."""
    found: list[tuple[PairRow, float]] = []
    for several in zip(*by_judge, strict=True):
        scores = [row.score for row in several if row.score is not None]
        if scores:
            read = next((row for row in several if row.how != UNREADABLE), several[0])
            found.append((read, fmean(scores)))
    return found


def win_rates(scored: Sequence[tuple[PairRow, float]], draws: Draws) -> dict[str, Json]:
    """Return the left side's win rate over all pairs, over the judged ones, and controlled.

    The rules' losses are in the first only: a reply in the wrong language has no length to compare.
    """
    judged = [(row, score) for row, score in scored if row.how in (JUDGED, IDENTICAL)]
    return {
        "all": interval_json(_raw(scored, draws)),
        "judged": interval_json(_raw(judged, draws)),
        "length_controlled": interval_json(_controlled(judged, draws, with_marks=False)),
        "length_and_style_controlled": interval_json(_controlled(judged, draws, with_marks=True)),
    }


def interval_json(made: Interval | None) -> Json:
    """Return estimate, interval and sizes; null where there is nothing to tell."""
    if made is None:
        return None
    return {
        "value": made.estimate,
        "interval": [made.low, made.high],
        "n": made.num_items,
        "groups": made.num_groups,
    }


def clusters_of(scored: Sequence[tuple[PairRow, float]]) -> list[str]:
    """Return the prompt of each game: samples of one hang together."""
    return [f"{row.language}/{row.suite}/{row.cluster}" for row, _ in scored]


def _raw(scored: Sequence[tuple[PairRow, float]], draws: Draws) -> Interval | None:
    clusters = clusters_of(scored)
    if len(set(clusters)) < 2:
        return None
    alone = len(set(clusters)) == len(clusters)
    return share_interval(
        [score for _, score in scored],
        confidence=draws.confidence,
        clusters=None if alone else clusters,
    )


def _controlled(
    scored: Sequence[tuple[PairRow, float]], draws: Draws, *, with_marks: bool
) -> Interval | None:
    clusters = clusters_of(scored)
    if len(set(clusters)) < 2:
        return None
    games = Games(
        scores=[score for _, score in scored],
        lengths=[row.graphemes[0] - row.graphemes[1] for row, _ in scored],
        marks=[_density(row, 0) - _density(row, 1) for row, _ in scored],
        clusters=clusters,
    )
    return controlled_win_rate(games, with_marks=with_marks, **draws._asdict())


def _density(row: PairRow, side: int) -> float:
    return 100 * row.marks[side] / max(1, row.graphemes[side])


def failures_by_system(rows: Sequence[PairRow]) -> Mapping[str, dict[str, int]]:
    """Return by system how many of its replies failed which check."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        for system, failure in zip((row.left, row.right), row.failures, strict=True):
            if failure:
                counts = found.setdefault(system, {})
                counts[failure] = counts.get(failure, 0) + 1
    return found
