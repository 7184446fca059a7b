"""Strengths of several systems from games between pairs of them: Bradley and Terry (1952).

P(i beats j) = s_i / (s_i + s_j), fitted by evalica's `bradley_terry`; a tie is half a win for each
side. For intervals whole prompts are drawn again: a resample's count of each prompt is the weight
of its games, which gives the same estimate as repeating their rows. evalica's own bootstrap draws
games, which calls two games on one prompt independent and is too sure of itself; it is not used.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from evalica import Winner, bradley_terry
from numpy.typing import NDArray

from .bootstrap import percentile_interval
from .clusters import number_clusters
from .interval import Interval

# G games, C clusters (prompts), S systems, R resamples
_TOLERANCE = 1e-10
_LIMIT = 5000
"""Its iterations; the default 100 stops early where strengths lie far apart."""
_PRIOR = 0.5
"""Of a game that each pair of systems tied beforehand: keeps strengths finite where one side wins
all games, and is lost among dozens of real ones."""


class Game(NamedTuple):
    """One pair of replies to one prompt."""

    left: str
    right: str
    score: float
    """Of the left side: 1, 0.5 or 0, or a mean over judges."""
    cluster: Hashable
    """Prompt; its games are drawn together."""


class Strengths(NamedTuple):
    """Of each system against the first one."""

    win_rates: dict[str, Interval]
    """Chance to beat the first system; of itself one half, without a width."""
    tie_rate: float
    """Share of games with a score of exactly one half."""
    num_games: int
    num_prompts: int


def fit_strengths(
    games: Sequence[Game],
    systems: Sequence[str],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Strengths:
    """Return how strong each system is beside the first.

    Raises:
        ValueError: fewer than two systems or prompts, or a system without a game.
    """
    played = {name for game in games for name in (game.left, game.right)}
    if len(systems) < 2 or set(systems) - played:
        raise ValueError(f"strengths need two systems or more with games, got {sorted(played)}")
    places_G = number_clusters([game.cluster for game in games], num_items=len(games))
    num_prompts = int(places_G.max(initial=-1)) + 1
    if num_prompts < 2:
        raise ValueError(f"an interval needs games on two or more prompts, got {num_prompts}")
    fitted = _Fitted(games, systems)
    rates_S = fitted.win_rates(np.ones(len(games)))
    generator = np.random.default_rng(seed)
    counts_RC = generator.multinomial(
        num_prompts, np.full(num_prompts, 1 / num_prompts), size=resamples
    )
    rates_RS = np.stack([fitted.win_rates(counts_C[places_G]) for counts_C in counts_RC])
    return Strengths(
        {
            name: percentile_interval(
                float(rates_S[place]),
                rates_RS[:, place],
                confidence=confidence,
                num_items=len(games),
                num_groups=num_prompts,
            )
            for place, name in enumerate(systems)
        },
        tie_rate=sum(game.score == 0.5 for game in games) / len(games),
        num_games=len(games),
        num_prompts=num_prompts,
    )


class _Fitted:
    """The games as evalica takes them: two weighted wins each, so that a tie is half of both."""

    def __init__(self, games: Sequence[Game], systems: Sequence[str]) -> None:
        self._index = pd.Index(list(systems))
        self._scores_G = np.array([game.score for game in games])
        prior = [(a, b) for place, a in enumerate(systems) for b in systems[place + 1 :]]
        lefts = [*(game.left for game in games), *(left for left, _ in prior)]
        rights = [*(game.right for game in games), *(right for _, right in prior)]
        self._lefts, self._rights = [*lefts, *lefts], [*rights, *rights]
        self._winners = [Winner.X] * len(lefts) + [Winner.Y] * len(lefts)
        self._prior_N = np.full(len(prior), _PRIOR / 2)

    def win_rates(self, weights_G: NDArray) -> NDArray[np.float64]:
        """Return each system's chance to beat the first."""
        won_N = np.concatenate([weights_G * self._scores_G, self._prior_N])
        lost_N = np.concatenate([weights_G * (1 - self._scores_G), self._prior_N])
        made = bradley_terry(
            self._lefts,
            self._rights,
            self._winners,
            index=self._index,
            weights=np.concatenate([won_N, lost_N]),
            tolerance=_TOLERANCE,
            limit=_LIMIT,
        )
        strengths_S = made.scores.reindex(self._index).to_numpy(dtype=np.float64)
        return strengths_S / (strengths_S + strengths_S[0])
