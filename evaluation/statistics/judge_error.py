"""A win rate set right for a judge that errs, by what it said where people had decided.

Rogan and Gladen (1978, American Journal of Epidemiology 107:71-76) take a test's share of
positives back to the true share: (observed + specificity - 1) / (sensitivity + specificity - 1).
Here the "test" is the judge's score of a pair (1, 0.5, 0), so that ties need no rule: with m1 its
mean where people prefer the left reply, and m0 where they prefer the right one, the rate is
(observed - m0) / (m1 - m0). Both samples, the judged games and the people's pairs, are drawn again
by whole prompts for the interval (Lang and Reiczigel 2014 on why both have to vary).
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from .bootstrap import percentile_interval, resampled_totals
from .clusters import sum_by_cluster
from .interval import Interval

_LEAST_SKILL = 0.1
"""m1 - m0 below this is a judge that hardly tells sides apart: dividing by it says nothing."""


class Decided(NamedTuple):
    """Pairs that people have decided and the judge has scored, one entry each."""

    judge_scores: Sequence[float]
    """Of the left side: 1, 0.5 or 0."""
    left_won: Sequence[bool]
    """What people say."""
    clusters: Sequence[Hashable]


class Skill(NamedTuple):
    """The judge's mean score by what people say."""

    sensitivity: float
    """Where they prefer the left reply."""
    specificity: float
    """One minus its mean score where they prefer the right one."""

    @property
    def is_enough(self) -> bool:
        """Return whether a rate can be taken back."""
        return self.sensitivity + self.specificity - 1 >= _LEAST_SKILL


def judge_skill(decided: Decided) -> Skill | None:
    """Return sensitivity and specificity; None where people decided only one way."""
    scores_N, left_N = np.asarray(decided.judge_scores), np.asarray(decided.left_won)
    if not left_N.any() or left_N.all():
        return None
    return Skill(float(scores_N[left_N].mean()), float(1 - scores_N[~left_N].mean()))


def corrected_win_rate(
    scores: Sequence[float],
    decided: Decided,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Return the left side's win rate among people, as far as the judge's scores tell it.

    Args:
        scores: the judge's on all games, of the left side.
        decided: what it said where people had decided.
        clusters: the prompt of each game.

    Returns:
        The rate within [0, 1]; None where the judge has too little skill to be taken back.
    """
    skill = judge_skill(decided)
    if skill is None or not skill.is_enough:
        return None
    own_CS = sum_by_cluster(np.stack([scores, np.ones(len(scores))], axis=1), clusters)
    judge_N = np.asarray(decided.judge_scores, dtype=np.float64)
    left_N = np.asarray(decided.left_won, dtype=np.float64)
    columns = [judge_N * left_N, left_N, judge_N * (1 - left_N), 1 - left_N]
    their_CS = sum_by_cluster(np.stack(columns, axis=1), decided.clusters)
    own_RS = resampled_totals(own_CS, resamples=resamples, seed=seed)
    their_RS = resampled_totals(their_CS, resamples=resamples, seed=seed + 1)
    observed_R = own_RS[:, 0] / own_RS[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        high_R = their_RS[:, 0] / their_RS[:, 1]
        low_R = their_RS[:, 2] / their_RS[:, 3]
        rates_R = (observed_R - low_R) / (high_R - low_R)
    kept_R = rates_R[np.isfinite(rates_R) & (high_R > low_R)]
    whole = float(np.mean(scores)) - (1 - skill.specificity)
    estimate = whole / (skill.sensitivity + skill.specificity - 1)
    return percentile_interval(
        float(np.clip(estimate, 0, 1)),
        np.clip(kept_R, 0, 1),
        confidence=confidence,
        num_items=len(scores),
        num_groups=len(own_CS),
    )
