"""How a judge behaves when the two replies change places, and whether it may be used.

A flip is any change of the verdict between the two orders, win to tie as well as win to loss: what
Zheng et al. (2023, arXiv 2306.05685, table 2) call inconsistent; GPT-4 flipped on 35 % of the pairs
of MT-Bench. A judge that flips on more than a quarter is unfit for that language.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ...data.manifest import Json
from ..statistics.interval import Interval, wilson_interval
from .pairwise import JUDGED, LEFT, TIE, UNREADABLE, PairRow


class Fitness(StrEnum):
    """Whether a judge may be used for a language."""

    fit = "fit"
    unfit = "unfit"
    unknown = "too few pairs"


class Limits(NamedTuple):
    """From when on a judge is unfit."""

    max_flips: float
    max_unreadable: float
    min_pairs: int
    """Fewer pairs that were read in both orders cannot tell."""
    confidence: float


class JudgeRates(NamedTuple):
    """One judge in one language."""

    num_pairs: int
    """Read in both orders."""
    flips: Interval
    reversals: Interval
    """Of the flips those from one side to the other."""
    first_slot: Interval
    """Of verdicts that name a winner those for the reply that stood first: one half is fair."""
    ties: Interval
    """Of pairs: no consistent winner."""
    unreadable: Interval
    """Of verdicts asked for (two a pair), after a second try."""
    fitness: Fitness
    why: str

    def to_json(self) -> dict[str, Json]:
        """Return the rates as they stand in ``summary.json``."""
        shares = ("flips", "reversals", "first_slot", "ties", "unreadable")
        return {
            "pairs": self.num_pairs,
            **{name: share_json(getattr(self, name)) for name in shares},
            "fitness": str(self.fitness),
            "why": self.why,
        }


def share_json(made: Interval) -> dict[str, Json]:
    """Return share, interval and n; null where there is nothing to take a share of."""
    if not made.num_items:
        return {"n": 0, "share": None, "interval": None}
    return {"n": made.num_items, "share": made.estimate, "interval": [made.low, made.high]}


def judge_rates(rows: Sequence[PairRow], limits: Limits) -> JudgeRates:
    """Return the rates over the pairs that the judge was shown."""

    def share(found: Sequence[bool]) -> Interval:
        return wilson_interval(sum(found), num_items=len(found), confidence=limits.confidence)

    shown = [row for row in rows if row.how in (JUDGED, UNREADABLE)]
    both = [row.winners for row in shown if row.how == JUDGED]
    slots = [
        (winner == LEFT) == (order == 0)
        for row in shown
        for order, winner in enumerate(row.winners)
        if winner not in (None, TIE)
    ]
    flips = share([first != second for first, second in both])
    ties = share([first != second or first == TIE for first, second in both])
    unreadable = share([winner is None for row in shown for winner in row.winners])
    fitness, why = _fitness(flips, ties, unreadable, limits)
    return JudgeRates(
        num_pairs=len(both),
        flips=flips,
        reversals=share([first != second and TIE not in (first, second) for first, second in both]),
        first_slot=share(slots),
        ties=ties,
        unreadable=unreadable,
        fitness=fitness,
        why=why,
    )


def _fitness(
    flips: Interval, ties: Interval, unreadable: Interval, limits: Limits
) -> tuple[Fitness, str]:
    """Return the verdict on the judge; with few pairs only what the interval shows is said."""
    enough = flips.num_items >= limits.min_pairs
    if _is_above(
        unreadable, limits.max_unreadable, enough=unreadable.num_items >= limits.min_pairs
    ):
        return Fitness.unfit, f"{_percent(unreadable)} of its verdicts cannot be read"
    if _is_above(flips, limits.max_flips, enough=enough):
        return Fitness.unfit, (
            f"it changes its verdict on {_percent(flips)} of the pairs when the replies change "
            f"places; {limits.max_flips:.0%} is allowed"
        )
    if not enough:
        return Fitness.unknown, f"{flips.num_items} pairs of {limits.min_pairs} that are needed"
    if ties.estimate == 1:
        return Fitness.unfit, f"it tells nothing apart: {flips.num_items} ties"
    return Fitness.fit, f"it changes its verdict on {_percent(flips)} of the pairs"


def _is_above(made: Interval, limit: float, *, enough: bool) -> bool:
    return made.num_items > 0 and (made.low > limit or (enough and made.estimate > limit))


def _percent(made: Interval) -> str:
    return f"{100 * made.estimate:.0f} % ({100 * made.low:.0f}-{100 * made.high:.0f})"
