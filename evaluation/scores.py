"""A system's replies, scored when they are read: which are right, and which name a label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.errors import UserError
from ..data.suite import Item
from .label import extract_label
from .reply import READ_STATES, State, read_label_scores, read_replies


@dataclass(frozen=True, slots=True)
class Score:
    """One system on one item."""

    answer: str | None
    """The label it named; None where it named none or several, or did not answer."""
    is_right: bool
    reply: str
    state: State

    @property
    def is_parsed(self) -> bool:
        """Return whether exactly one label was named."""
        return self.answer is not None


def score_replies(path: Path, items: Sequence[Item], labels: Sequence[str]) -> dict[str, Score]:
    """Return the score of every item by its id.

    Raises:
        UserError: the file is missing or lacks an item.
    """
    replies = {reply.id: reply for reply in read_replies(path)}
    scores: dict[str, Score] = {}
    for item in items:
        if item.id not in replies:
            raise UserError(f"{path} has no reply to {item.id}: run evaluate for it again")
        reply = replies[item.id]
        answer = extract_label(reply.reply, labels) if reply.state in READ_STATES else None
        scores[item.id] = Score(answer, answer == item.label, reply.reply, reply.state)
    return scores


def score_likelihoods(path: Path, items: Sequence[Item]) -> dict[str, bool]:
    """Return whether the likeliest label (with its end token) is the right one, by item id.

    Raises:
        UserError: the file is missing or lacks an item.
    """
    rows = {row.id: row.label_and_end for row in read_label_scores(path)}
    if missing := [item.id for item in items if item.id not in rows]:
        raise UserError(f"{path} has no row for {missing[0]}: run evaluate for it again")
    return {item.id: _likeliest(rows[item.id]) == item.label for item in items}


def _likeliest(scores: Mapping[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])
