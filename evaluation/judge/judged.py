"""The replies that are judged, and those that the rules settle: no judge reads the wrong language.

A reply fails by its state (empty, refused, blocked) or by a check of evaluation/checks that sees a
wrong language or script, or gibberish. It counts as a loss and is counted apart. One that never
came (an error, another model) is missing, which is not a loss.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checks.check import check_reply
from ..checks.graphemes import count_graphemes
from ..comparison.column import MISSING_STATES
from ..item import Item
from ..reply import READ_STATES, Reply, State, read_replies

FAILURES = ("empty", "refused", "blocked", "language", "script", "gibberish")
"""In this order the first one names a failed reply."""

# Headings, list marks, bold, tables, rules and code: what makes a reply look worked at.
_MARKDOWN = re.compile(
    r"^ {0,3}(?:#{1,6} |[-*+] |\d{1,3}[.)] |> |\||```|---+$)|\*\*|__|`", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One reply to one item, as judges meet it."""

    item: Item
    sample: int
    system: str
    text: str
    failure: str
    """Empty where a judge may read it; else one of FAILURES."""
    num_graphemes: int
    num_marks: int
    """Marks of Markdown."""


Key = tuple[str, int]
"""Item id and sample."""


def read_candidates(path: Path, items: Sequence[Item], *, system: str) -> dict[Key, Candidate]:
    """Return the replies in a generations file; what is missing there is missing here.

    Raises:
        UserError: the file is missing or broken.
    """
    known = {item.id: item for item in items}
    found: dict[Key, Candidate] = {}
    for reply in read_replies(path):
        if reply.id in known and reply.state not in MISSING_STATES:
            item = known[reply.id]
            found[reply.id, reply.sample] = as_candidate(item, reply, system=system)
    return found


def as_candidate(item: Item, reply: Reply, *, system: str) -> Candidate:
    """Return a reply with what the rules say of it; half a character becomes U+FFFD."""
    # A recording may hold one half of a surrogate pair, which no encoding and no vendor takes.
    text = reply.reply.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Candidate(
        item=item,
        sample=reply.sample,
        system=system,
        text=text,
        failure=_failure(item, reply.state, text),
        num_graphemes=count_graphemes(text),
        num_marks=len(_MARKDOWN.findall(text)),
    )


def _failure(item: Item, state: State, text: str) -> str:
    if state not in READ_STATES:
        return str(state)
    if not text.strip():
        return str(State.empty)
    checks = check_reply(text, item.expect, is_cut=state is State.truncated)
    failed = {
        "language": checks.is_faithful is False,
        "script": checks.is_in_script is False,
        "gibberish": checks.is_gibberish,
    }
    return next((name for name, yes in failed.items() if yes), "")
