"""A win rate as it would be if both sides' replies were equally long and equally marked up.

logit P(left wins) = a + b tanh(dlen / sd(dlen)) + c dmark / sd(dmark); the controlled rate is the
prediction where both differences are 0, that is 1 / (1 + exp(-a)). The length term is that of
Dubois et al. 2024 (arXiv 2404.04475, equation 2) without their difficulty term, which is known for
their own English items alone; markup as a covariate is how Chatbot Arena controls style (Li et al.
2024). A tie counts one half on either side. Whole clusters are drawn again for the interval, never
single games.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bootstrap import percentile_interval
from .clusters import number_clusters
from .interval import Interval

# G games, P parameters, R resamples, C clusters
_RIDGE = 0.01
"""Penalty on the squared parameters, halved: keeps them finite where one side wins everything."""
_STEPS = 25
_CLOSE = 1e-9


class Games(NamedTuple):
    """Judged pairs, one entry a game in each field."""

    scores: Sequence[float]
    """Of the left side: 1, 0.5 or 0, or a mean over judges."""
    lengths: Sequence[float]
    """Left minus right, in grapheme clusters."""
    marks: Sequence[float]
    """Left minus right, marks of Markdown per 100 grapheme clusters."""
    clusters: Sequence[Hashable]
    """Games on the same prompt hang together."""


def controlled_win_rate(
    games: Games, *, confidence: float, resamples: int, seed: int, with_marks: bool = True
) -> Interval:
    """Return the left side's win rate at equal length and, if asked, equal markup.

    Raises:
        ValueError: games on fewer than two prompts.
    """
    features_GP = _features(games, with_marks=with_marks)
    scores_G = np.asarray(games.scores, dtype=np.float64)
    places_G = number_clusters(games.clusters, num_items=len(scores_G))
    num_clusters = int(places_G.max(initial=-1)) + 1
    if num_clusters < 2:
        raise ValueError(f"an interval needs games on two or more prompts, got {num_clusters}")
    counts_RC = np.random.default_rng(seed).multinomial(
        num_clusters, np.full(num_clusters, 1 / num_clusters), size=resamples
    )
    weights_RG = np.concatenate([np.ones((1, len(scores_G))), counts_RC[:, places_G]]).astype(
        np.float64
    )
    rates_R = _expit(_fit(features_GP, scores_G, weights_RG)[:, 0])
    return percentile_interval(
        float(rates_R[0]),
        rates_R[1:],
        confidence=confidence,
        num_items=len(scores_G),
        num_groups=num_clusters,
    )


def _features(games: Games, *, with_marks: bool) -> NDArray[np.float64]:
    """Return 1, the length term and the markup term of each game; a constant difference is 0."""
    lengths_G = np.asarray(games.lengths, dtype=np.float64)
    columns = [np.ones_like(lengths_G), np.tanh(_over_deviation(lengths_G))]
    if with_marks:
        columns.append(_over_deviation(np.asarray(games.marks, dtype=np.float64)))
    return np.stack(columns, axis=1)


def _over_deviation(values_G: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = float(values_G.std())
    return values_G / deviation if deviation > 0 else np.zeros_like(values_G)


def _fit(
    features_GP: NDArray[np.float64],
    scores_G: NDArray[np.float64],
    weights_RG: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the parameters of each row of weights, R x P: Newton steps, all rows at once."""
    num_parameters = features_GP.shape[1]
    found_RP = np.zeros((len(weights_RG), num_parameters))
    ridge_PP = _RIDGE * np.eye(num_parameters)
    for _ in range(_STEPS):
        chances_RG = _expit(found_RP @ features_GP.T)
        slope_RP = (weights_RG * (scores_G - chances_RG)) @ features_GP - _RIDGE * found_RP
        spread_RG = weights_RG * chances_RG * (1 - chances_RG)
        curve_RPP = np.einsum("rg,gp,gq->rpq", spread_RG, features_GP, features_GP) + ridge_PP
        step_RP = np.linalg.solve(curve_RPP, slope_RP[:, :, None])[:, :, 0]
        found_RP += np.clip(step_RP, -2.0, 2.0)
        if np.abs(step_RP).max() < _CLOSE:
            break
    return found_RP


def _expit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(values, -40, 40)))
