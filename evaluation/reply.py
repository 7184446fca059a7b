"""One line of a generations file: what a system said to one item, and how the reply ended."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ..data.errors import UserError


class State(StrEnum):
    """How a reply ended; none of these is silently a wrong answer."""

    ok = "ok"
    truncated = "truncated"
    """Cut at the longest allowed length; what is there is read."""
    empty = "empty"
    refused = "refused"
    blocked = "blocked"
    wrong_model = "wrong_model"
    error = "error"
    """No reply: the system failed, or the recording lacks the item."""


READ_STATES = (State.ok, State.truncated)
"""States whose reply is read for a label."""


@dataclass(kw_only=True, slots=True)
class Reply:
    """A system's reply to one item, scored only when it is read: generate once, score many."""

    id: str
    language: str
    suite: str
    split: str
    system: str
    prompt_sha256: str | None
    """Of the prompt's token ids or text; None where the recording does not hold the prompt."""
    reply: str
    state: State
    sample: int = 0
    """Which of several replies to the same item: 0, 1, ..."""
    num_tokens: int | None = None
    """Of the reply, in the system's own tokens, the one that ends it included, as servers count;
    None where the recording does not say."""

    def __post_init__(self) -> None:
        self.state = State(self.state)


@dataclass(kw_only=True, slots=True)
class LabelScores:
    """Log-likelihood of each label as the reply to one item."""

    id: str
    language: str
    suite: str
    split: str
    system: str
    prompt_sha256: str
    label: dict[str, float]
    """Natural logarithm, summed over the label's tokens."""
    label_and_end: dict[str, float]
    """The same with the end-of-turn token."""


def to_lines(rows: Iterable[Reply | LabelScores]) -> str:
    """Return the rows as JSON Lines."""
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def read_replies(path: Path) -> list[Reply]:
    """Return the replies in a generations file.

    Raises:
        UserError: the file is missing, or a line is no reply.
    """
    return [Reply(**row) for row in _rows(path, Reply)]


def read_label_scores(path: Path) -> list[LabelScores]:
    """Return the rows of a log-likelihood file.

    Raises:
        UserError: the file is missing, or a line is no such row.
    """
    return [LabelScores(**row) for row in _rows(path, LabelScores)]


def _rows(path: Path, kind: type[Reply | LabelScores]) -> Iterator[dict]:
    if not path.is_file():
        raise UserError(f"{path} does not exist: run evaluate for this system and language")
    wanted = set(kind.__dataclass_fields__)
    # Not splitlines(): a reply may hold U+2028, which JSON leaves as it is.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}:{number} is not JSON: run evaluate again") from error
        if not isinstance(row, dict) or set(row) != wanted:
            raise UserError(f"{path}:{number} is not a {kind.__name__} row: run evaluate again")
        yield row
