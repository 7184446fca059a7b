"""Before anything is sent to a judge: may it leave, what will it cost, and is that agreed to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...data.progress import say
from ..generations import Part, part_name
from ..leaving import Leaving, check_may_leave
from ..vendors.question import Question
from .asking import Judge
from .paid_judge import PaidAsk
from .panel_pairwise import ask_pairs
from .panel_rubric import ask_replies
from .parts import JudgedPart
from .settings import JudgeConfig, JudgeMode


def planned_questions(
    config: JudgeConfig, judge: Judge, parts: Sequence[JudgedPart]
) -> list[Question]:
    """Return what the judge will be asked at the first try; nobody is asked here."""
    found: dict[str, Question] = {}

    def note(questions: Sequence[Question]) -> dict:
        found.update((one.key, one) for one in questions if one.sample == 0)
        return {}

    silent = replace(judge, ask=note)
    ask = ask_pairs if config.mode is JudgeMode.pairwise else ask_replies
    for part in parts:
        ask(config, silent, part)
    return list(found.values())


def check_sending(
    config: JudgeConfig, judges: Sequence[Judge], parts: Sequence[JudgedPart]
) -> None:
    """Say what each judge is asked and what leaves the machine; refuse what may not.

    Raises:
        UserError: a suite is not on the allow-list, or prompts or replies hold personal values.
    """
    for judge in judges:
        questions = planned_questions(config, judge, parts)
        say("judge", f"{judge.name} is asked {len(questions)} questions")
        if isinstance(judge.ask, PaidAsk):
            judge.ask.confirm(questions, _leaving(judge.ask, parts, accept_pii=config.accept_pii))


def _leaving(ask: PaidAsk, parts: Sequence[JudgedPart], *, accept_pii: bool) -> Leaving:
    """Return what would be sent: prompts, and the replies that a judge would read."""
    return check_may_leave(
        [_as_part(part) for part in parts],
        host=ask.vendor.host,
        is_local=ask.vendor.is_local,
        accept_pii=accept_pii,
        replies={_name(part): _texts(part) for part in parts},
    )


def _as_part(part: JudgedPart) -> Part:
    return Part(_name(part), part.suite, "test", part.language, part.items, Path(), "")


def _name(part: JudgedPart) -> str:
    return part_name(part.suite.name, split="test", language=part.language)


def _texts(part: JudgedPart) -> dict[str, str]:
    """Return by item every reply that a judge would read."""
    found: dict[str, list[str]] = {}
    for candidates in part.candidates.values():
        for (item, _), candidate in candidates.items():
            if not candidate.failure:
                found.setdefault(item, []).append(candidate.text)
    return {item: "\n\n".join(texts) for item, texts in found.items()}
