"""Asks one judge many questions: an unreadable answer is asked for once more, then counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ...data.manifest import Json
from ...data.message import Message
from ..reply import READ_STATES
from ..vendors.question import Answer, Question, question_key
from .verdict import Unreadable

Verdict = TypeVar("Verdict")

Ask = Callable[[Sequence[Question]], Mapping[str, Answer]]
"""Returns answers by Question.key; a key without one got none. The judge itself, whatever it is."""

_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Who judges."""

    name: str
    """Of its files and in tables."""
    label: str
    vendors: frozenset[str]
    """Families that it belongs to (vendors.py); empty where nobody knows."""
    identity: Mapping[str, Json]
    """All that tells its answers from another judge's; part of every question's key."""
    ask: Ask
    is_local: bool = False
    """Nothing leaves this machine."""
    unused: str = ""
    """Why its verdicts count for nothing although it was asked; empty: they count."""


class Case(NamedTuple):
    """One question before it has a key."""

    messages: list[Message]
    schema: dict[str, Json]
    language: str
    about: list[Json]
    """Item, sample, order: what tells two calls with the same words apart."""


class Said(NamedTuple, Generic[Verdict]):
    """What one judge said to one case."""

    verdict: Verdict | None
    """None where no answer could be read."""
    answer: str
    """The last text that came back."""
    tries: int
    why: str
    """Of an unreadable answer; empty else."""


def ask_cases(
    judge: Judge,
    cases: Sequence[Case],
    read: Callable[[int, str], Verdict],
    *,
    max_tokens: int,
    run: str = "",
) -> list[Said[Verdict]]:
    """Return what the judge said to each case, in their order.

    Args:
        read: from number of the case and text to the verdict; raises Unreadable.
        max_tokens: longest answer.
        run: makes the questions of this run new ones, where an old answer would not do.
    """
    said: dict[int, Said[Verdict]] = {}
    for attempt in range(_TRIES):
        todo = [number for number in range(len(cases)) if not _is_read(said.get(number))]
        if not todo:
            break
        asked = {
            number: _question(judge, cases[number], attempt, max_tokens=max_tokens, run=run)
            for number in todo
        }
        answers = judge.ask(list({one.key: one for one in asked.values()}.values()))
        for number, question in asked.items():
            said[number] = _read(answers.get(question.key), number, read, tries=attempt + 1)
    return [said[number] for number in range(len(cases))]


def _is_read(said: Said[Verdict] | None) -> bool:
    return said is not None and said.verdict is not None


def _question(judge: Judge, case: Case, attempt: int, *, max_tokens: int, run: str) -> Question:
    parameters: dict[str, Json] = {
        "max_tokens": max_tokens,
        "schema": case.schema,
        "about": case.about,
        "try": attempt,
        "run": run,
    }
    return Question(
        key=question_key(judge.identity, case.messages, parameters),
        messages=case.messages,
        max_tokens=max_tokens,
        language=case.language,
        schema=case.schema,
        sample=attempt,
    )


def _read(
    answer: Answer | None, number: int, read: Callable[[int, str], Verdict], *, tries: int
) -> Said[Verdict]:
    if answer is None:
        return Said(None, "", tries, "no answer")
    if answer.state not in READ_STATES:
        return Said(None, answer.text, tries, str(answer.state))
    try:
        return Said(read(number, answer.text), answer.text, tries, "")
    except Unreadable as error:
        return Said(None, answer.text, tries, str(error))
