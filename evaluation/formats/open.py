"""Open questions: nothing is right or wrong by itself; the language checks and judges read them."""

from dataclasses import replace

from ...data.manifest import Json
from ...data.message import Message
from ...data.region import Region
from ...data.suite import Suite
from ..item import Item, Mark
from .format import Row, category_of, cluster_of, expectation_of, text_of

_QUESTIONS = ("prompt", "question")


class OpenFormat:
    """Rows with ``prompt`` (or ``question``, or ``turns``), asked as they are.

    ``context`` is the system turn; ``expect`` may hold script, code_mix and register.
    """

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item without a right answer; of several turns, the first."""
        context = row.get("context")
        system = [Message(role="system", content=str(context))] if context else []
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[*system, Message(role="user", content=_question(row))],
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=replace(expectation_of(suite, region), **_expected(row)),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return the reply with no value: reading it is the checks' and the judges' work."""
        del item
        return Mark(None, reply)


def _question(row: Row) -> str:
    turns = row.get("turns")
    if isinstance(turns, list) and turns:
        return str(turns[0])
    return text_of(row, next((name for name in _QUESTIONS if name in row), _QUESTIONS[0]))


def _expected(row: Row) -> dict[str, Json]:
    expect = row.get("expect") or {}
    if not isinstance(expect, dict) or not set(expect) <= {"script", "code_mix", "register"}:
        raise ValueError(f"expect may hold script, code_mix and register, got {expect!r}")
    return expect


FORMAT = OpenFormat()
