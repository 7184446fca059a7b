"""A system's replies, scored when they are read: what each is worth, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.errors import UserError
from ..data.suite import Suite
from .formats.format import load_format
from .item import Item, Mark
from .reply import READ_STATES, State, read_label_scores, read_replies


@dataclass(frozen=True, slots=True)
class Score:
    """One system's reply to one item."""

    value: float | None
    """From 0 to 1; None where nothing is right or wrong by itself."""
    answer: str | None
    """The choice it named; None where it named none or several, or did not answer."""
    reply: str
    state: State

    @property
    def is_right(self) -> bool:
        """Return whether the reply is worth all there is."""
        return self.value == 1

    @property
    def is_parsed(self) -> bool:
        """Return whether an answer was found in the reply."""
        return self.answer is not None


def score_replies(path: Path, items: Sequence[Item], suite: Suite) -> dict[str, Score]:
    """Return the score of every item's first reply by its id.

    Raises:
        UserError: the file is missing or lacks an item.
    """
    adapter = load_format(suite)
    replies = {reply.id: reply for reply in read_replies(path) if reply.sample == 0}
    scores: dict[str, Score] = {}
    for item in items:
        if item.id not in replies:
            raise UserError(f"{path} has no reply to {item.id}: run evaluate for it again")
        reply = replies[item.id]
        is_read = reply.state in READ_STATES
        mark = adapter.score(item, reply.reply) if is_read else Mark(_unread(item), None)
        scores[item.id] = Score(mark.value, mark.answer, reply.reply, reply.state)
    return scores


def _unread(item: Item) -> float | None:
    """Return what a reply is worth that is not read: nothing, where there is a right answer."""
    return 0.0 if item.gold else None


def score_likelihoods(path: Path, items: Sequence[Item]) -> dict[str, bool]:
    """Return whether the likeliest label (with its end token) is the right one, by item id.

    Raises:
        UserError: the file is missing or lacks an item.
    """
    rows = {row.id: row.label_and_end for row in read_label_scores(path)}
    if missing := [item.id for item in items if item.id not in rows]:
        raise UserError(f"{path} has no row for {missing[0]}: run evaluate for it again")
    return {item.id: _likeliest(rows[item.id]) == item.gold[0] for item in items}


def _likeliest(scores: Mapping[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])
