"""What votes say about the systems: who was preferred, with an interval over clusters of items."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import fmean
from typing import NamedTuple

from ..statistics.interval import Interval, mean_interval
from .agreement import USABLE_ALPHA, agreement
from .votes import Vote

_FEWEST_GROUPS = 2


class Preference(NamedTuple):
    """How often one system was preferred to another in a region; a tie is half."""

    region: str
    system: str
    other: str
    wins: int
    ties: int
    losses: int
    share: Interval | None
    """Mean over items of won + tied / 2; None with fewer than two independent items."""
    is_usable: bool
    """Whether reviewers agree enough (Krippendorff's alpha) for anything to rest on it."""


class Game(NamedTuple):
    """One comparison of two systems by one reviewer; the winner is empty for a tie."""

    vote: Vote
    first: str
    second: str
    winner: str


def games(votes: Sequence[Vote]) -> Iterator[Game]:
    """Yield all pairs that a vote decides: the best of three beats both, a tie ties all."""
    for vote in votes:
        if not vote.counts:
            continue
        for first, second in combinations(sorted(vote.sides), 2):
            if vote.winner in ("", first, second):
                yield Game(vote, first, second, vote.winner)


def preferences(votes: Sequence[Vote], *, confidence: float = 0.95) -> list[Preference]:
    """Return every pair of systems in every region; a system named child comes first."""
    agreed = agreement(votes)
    found: dict[tuple[str, str, str], list[Game]] = {}
    for game in games(votes):
        pair = sorted((game.first, game.second), key=lambda name: (not _is_child(name), name))
        found.setdefault((game.vote.region, pair[0], pair[1]), []).append(game)
    return [
        _preference(region, system, other, played, confidence, _is_usable(agreed[region].alpha))
        for (region, system, other), played in sorted(found.items())
    ]


def _is_child(name: str) -> bool:
    return name == "child" or name.startswith("child-")


def _is_usable(alpha: "tuple[float | None, ...]") -> bool:
    return alpha[0] is not None and alpha[0] >= USABLE_ALPHA


def _preference(
    region: str,
    system: str,
    other: str,
    played: Sequence[Game],
    confidence: float,
    is_usable: bool,
) -> Preference:
    of_items: dict[tuple[str, str], list[float]] = {}
    for game in played:
        worth = 0.5 if not game.winner else float(game.winner == system)
        of_items.setdefault((game.vote.cluster, game.vote.item), []).append(worth)
    means = [fmean(worths) for worths in of_items.values()]
    clusters = [cluster for cluster, _ in of_items]
    enough = len(set(clusters)) >= _FEWEST_GROUPS
    alone = len(set(clusters)) == len(clusters)
    return Preference(
        region,
        system,
        other,
        wins=sum(game.winner == system for game in played),
        ties=sum(not game.winner for game in played),
        losses=sum(game.winner == other for game in played),
        share=mean_interval(means, confidence=confidence, clusters=None if alone else clusters)
        if enough
        else None,
        is_usable=is_usable,
    )
