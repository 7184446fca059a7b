"""Two systems' replies to the same items: each pair is judged in both orders.

A win counts only if both orders agree on it; anything else is a tie. A pair that misses a readable
verdict in either order is left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from ...data.manifest import Json
from .asking import Case, Judge, Said, ask_cases
from .criteria import pairwise_schema
from .judged import Candidate, Key
from .prompt import pairwise_messages
from .verdict import PairVerdict, read_pairwise

LEFT, RIGHT, TIE = "left", "right", "tie"
_BY_PLACE = ({"A": LEFT, "B": RIGHT, "tie": TIE}, {"A": RIGHT, "B": LEFT, "tie": TIE})
"""Whom a place means: in the first order the left reply stands first."""

JUDGED, BY_CHECKS, IDENTICAL = "judged", "checks", "identical"
UNREADABLE = "unreadable"


class Pair(NamedTuple):
    """Both sides' replies to one item, of one sample."""

    left: Candidate
    right: Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """One pair and what one judge said of it: a line of the judge's file."""

    id: str
    language: str
    suite: str
    category: str
    cluster: str
    sample: int
    left: str
    """The systems; the judge never saw their names."""
    right: str
    how: str
    """``judged``, ``checks`` (a side failed them), ``identical`` (not asked), ``unreadable``."""
    outcome: str | None
    """``left``, ``right``, ``tie``; None where it is unreadable."""
    failures: list[str]
    """Left, then right: why the checks failed it, or empty."""
    graphemes: list[int]
    marks: list[int]
    orders: list[dict[str, Json]] = field(default_factory=list)
    """Left first, then right first: winner by side, criteria, confidence, reasons, answer, tries,
    why it could not be read."""

    @property
    def score(self) -> float | None:
        """Return 1 where left wins, one half for a tie, 0 where right wins."""
        return None if self.outcome is None else {LEFT: 1.0, TIE: 0.5, RIGHT: 0.0}[self.outcome]

    @property
    def winners(self) -> list[str | None]:
        """Return the winner in each order, by side."""
        found = [order["winner"] for order in self.orders]
        return [None if one is None else str(one) for one in found]

    def to_json(self) -> dict[str, Json]:
        """Return the row as it stands in a file."""
        return asdict(self)


def pair_up(left: Mapping[Key, Candidate], right: Mapping[Key, Candidate]) -> list[Pair]:
    """Return the pairs in the left side's order; where one side is missing there is none."""
    return [Pair(one, right[key]) for key, one in left.items() if key in right]


def judge_pairs(
    judge: Judge, pairs: Sequence[Pair], *, suite: str, seed: int, max_tokens: int, run: str = ""
) -> list[PairRow]:
    """Return one row for each pair; the judge is asked of those that need it, in both orders."""
    asked = [number for number, pair in enumerate(pairs) if _how(pair) == JUDGED]
    cases = [_case(pairs[number], order, seed) for number in asked for order in (0, 1)]
    said = ask_cases(
        judge, cases, lambda _, text: read_pairwise(text), max_tokens=max_tokens, run=run
    )
    orders = {number: [said[2 * place], said[2 * place + 1]] for place, number in enumerate(asked)}
    return [_row(pair, orders.get(number, []), suite) for number, pair in enumerate(pairs)]


def _how(pair: Pair) -> str:
    if pair.left.failure or pair.right.failure:
        return BY_CHECKS
    return IDENTICAL if pair.left.text == pair.right.text else JUDGED


def _case(pair: Pair, order: int, seed: int) -> Case:
    first, second = (pair.left, pair.right) if order == 0 else (pair.right, pair.left)
    item = pair.left.item
    return Case(
        messages=pairwise_messages(item, first.text, second.text, seed=seed),
        schema=pairwise_schema(),
        language=item.language,
        about=["pairwise", item.id, pair.left.sample],
    )


def _row(pair: Pair, said: Sequence[Said[PairVerdict]], suite: str) -> PairRow:
    how, item = _how(pair), pair.left.item
    orders = [_order(one, place) for place, one in enumerate(said)]
    winners = [order["winner"] for order in orders]
    if None in winners:
        how = UNREADABLE
    return PairRow(
        id=item.id,
        language=item.language,
        suite=suite,
        category=item.category,
        cluster=item.cluster,
        sample=pair.left.sample,
        left=pair.left.system,
        right=pair.right.system,
        how=how,
        outcome=_outcome(how, pair, winners),
        failures=[pair.left.failure, pair.right.failure],
        graphemes=[pair.left.num_graphemes, pair.right.num_graphemes],
        marks=[pair.left.num_marks, pair.right.num_marks],
        orders=orders,
    )


def _order(said: Said[PairVerdict], order: int) -> dict[str, Json]:
    names, verdict = _BY_PLACE[order], said.verdict
    return {
        "winner": None if verdict is None else names[verdict.winner],
        "criteria": None
        if verdict is None
        else {name: names[winner] for name, winner in verdict.criteria.items()},
        "confidence": None if verdict is None else verdict.confidence,
        "reasons": None if verdict is None else verdict.reasons,
        "answer": said.answer if verdict is None else None,
        "tries": said.tries,
        "why": said.why,
    }


def _outcome(how: str, pair: Pair, winners: Sequence[Json]) -> str | None:
    if how == UNREADABLE:
        return None
    if how == IDENTICAL:
        return TIE
    if how == BY_CHECKS:
        if pair.left.failure and pair.right.failure:
            return TIE
        return RIGHT if pair.left.failure else LEFT
    return str(winners[0]) if winners[0] == winners[1] else TIE
