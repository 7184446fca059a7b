"""What people said about pairs of replies: the file that the reviewers' pages write.

One JSON object a line: ``item``, ``language``, ``left`` and ``right`` (systems of the run),
``vote`` (``a`` for the left one, ``b``, ``tie``, ``both_bad``), ``reviewer``, and where there are
several replies to an item ``sample``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from ...data.errors import UserError
from ..items import read_lines
from .pairwise import LEFT, RIGHT


class Vote(StrEnum):
    """A reviewer's choice."""

    a = "a"
    b = "b"
    tie = "tie"
    both_bad = "both_bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanVote:
    """One reviewer on one pair; ``left`` is side a, however the page had mixed the sides."""

    item: str
    language: str
    left: str
    right: str
    vote: Vote
    reviewer: str
    sample: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "vote", Vote(self.vote))
        if not self.reviewer or self.left == self.right:
            raise ValueError("a vote needs a reviewer and two different systems")

    def for_pair(self, left: str) -> str:
        """Return the winner for whoever calls this system left; empty where nobody won."""
        winners = {Vote.a: self.left, Vote.b: self.right}
        if self.vote not in winners:
            return ""
        return LEFT if winners[self.vote] == left else RIGHT


PairKey = tuple[str, int, frozenset[str]]
"""Item, sample and the two systems."""


def read_votes(path: Path) -> list[HumanVote]:
    """Return the votes of a file; of one reviewer's several on a pair, the last.

    Raises:
        UserError: the file is missing, or a line is no vote.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: correct votes=..., or leave it null")
    found: dict[tuple[PairKey, str, str], HumanVote] = {}
    for number, line in read_lines(path):
        try:
            vote = HumanVote(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise UserError(
                f"{path}:{number} is no vote ({error}): it needs item, language, left, right, "
                "vote (a, b, tie, both_bad) and reviewer"
            ) from error
        found[pair_key(vote), vote.language, vote.reviewer] = vote
    return list(found.values())


def pair_key(vote: HumanVote) -> PairKey:
    """Return which pair it is about, whichever side stood left."""
    return vote.item, vote.sample, frozenset((vote.left, vote.right))


def by_pair(votes: Sequence[HumanVote], language: str) -> dict[PairKey, list[HumanVote]]:
    """Return the votes on each pair in one language."""
    found: dict[PairKey, list[HumanVote]] = {}
    for vote in votes:
        if vote.language == language:
            found.setdefault(pair_key(vote), []).append(vote)
    return found


def double_voted(pairs: dict[PairKey, list[HumanVote]]) -> int:
    """Return how many pairs two people or more have voted on."""
    return sum(len(votes) > 1 for votes in pairs.values())


def people_agree(pairs: dict[PairKey, list[HumanVote]]) -> list[bool]:
    """Return for every two people on a pair who both name a winner whether it is the same."""
    return [
        first.for_pair(first.left) == second.for_pair(first.left)
        for votes in pairs.values()
        for first, second in _decided(votes)
    ]


def _decided(votes: Sequence[HumanVote]) -> Iterator[tuple[HumanVote, HumanVote]]:
    named = [vote for vote in votes if vote.for_pair(vote.left)]
    return combinations(named, 2)
