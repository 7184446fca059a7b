"""Whether a judge agrees with people as well as people agree with each other.

Only where both name a winner: chance agreement on ties depends on how willingly each side says
"tie". PARIKSHA (arXiv 2406.15053) found that agreement differs by language, so each language is
calibrated by itself, on pairs that two people or more have voted on.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ...data.manifest import Json
from ..statistics.interval import Interval, wilson_interval
from ..statistics.judge_error import Decided, Skill, judge_skill
from .fitness import share_json
from .pairwise import JUDGED, LEFT, TIE, PairRow
from .votes import HumanVote, PairKey, by_pair, double_voted, people_agree

NEEDED_PAIRS = 200
"""Double-voted ones for each language."""
ALLOWED_LOSS = 0.05
"""Of agreement, below that of people among themselves."""


class State(StrEnum):
    """What the votes say of a judge."""

    calibrated = "calibrated"
    below_people = "agrees less with people than they do with each other"
    too_few = "not calibrated"


class Calibration(NamedTuple):
    """One judge in one language beside people."""

    state: State
    num_double: int
    people: Interval
    judge: Interval
    decided: Decided
    skill: Skill | None

    @property
    def words(self) -> str:
        """Return the state as a report says it."""
        if self.state is State.too_few:
            return f"not calibrated ({self.num_double} of {NEEDED_PAIRS})"
        return f"{self.state} ({self.judge.estimate:.0%} against {self.people.estimate:.0%})"

    def to_json(self) -> dict[str, Json]:
        """Return the calibration as it stands in ``summary.json``."""
        skill = None if self.skill is None else [self.skill.sensitivity, self.skill.specificity]
        return {
            "state": self.state.name,
            "words": self.words,
            "double_voted": self.num_double,
            "needed": NEEDED_PAIRS,
            "people_agree": share_json(self.people),
            "judge_agrees": share_json(self.judge),
            "sensitivity_specificity": list[Json](skill) if skill else None,
        }


def calibrate(
    rows: Sequence[PairRow], votes: Sequence[HumanVote], *, language: str, confidence: float
) -> Calibration:
    """Return how the judge's verdicts in one language stand beside the votes there."""
    pairs = by_pair(votes, language)
    judged = {_key(row): row for row in rows if row.language == language and row.how == JUDGED}
    agree = people_agree(pairs)
    people = wilson_interval(sum(agree), num_items=len(agree), confidence=confidence)
    same = _same(pairs, judged)
    judge = wilson_interval(sum(same), num_items=len(same), confidence=confidence)
    decided = _decided(pairs, judged)
    num_double = double_voted({key: several for key, several in pairs.items() if key in judged})
    if num_double < NEEDED_PAIRS or not agree or not same:
        state = State.too_few
    elif judge.estimate >= people.estimate - ALLOWED_LOSS:
        state = State.calibrated
    else:
        state = State.below_people
    return Calibration(state, num_double, people, judge, decided, judge_skill(decided))


def _key(row: PairRow) -> PairKey:
    return row.id, row.sample, frozenset((row.left, row.right))


def _same(pairs: dict[PairKey, list[HumanVote]], judged: dict[PairKey, PairRow]) -> list[bool]:
    """Return for every vote with a winner, on a pair with one, whether judge and person agree."""
    return [
        winner == judged[key].outcome
        for key, votes in pairs.items()
        if key in judged and judged[key].outcome != TIE
        for vote in votes
        if (winner := vote.for_pair(judged[key].left))
    ]


def _decided(pairs: dict[PairKey, list[HumanVote]], judged: dict[PairKey, PairRow]) -> Decided:
    """Return the votes that name a winner beside the judge's score, ties of the judge included."""
    found = Decided([], [], [])
    scores, left_won, clusters = [], [], []
    for key, votes in pairs.items():
        row = judged.get(key)
        if row is None or row.score is None:
            continue
        for vote in votes:
            if winner := vote.for_pair(row.left):
                scores.append(row.score)
                left_won.append(winner == LEFT)
                clusters.append(row.cluster)
    return found._replace(judge_scores=scores, left_won=left_won, clusters=clusters)
