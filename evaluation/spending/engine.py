"""Asks a vendor paid questions: several at a time, each once, every answer kept and counted."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from ...data.progress import progress_bar
from ..vendors.question import Answer, Question
from ..vendors.vendor import Vendor
from .asker import Asker
from .batches import ask_batches, cancel_batches
from .journal import PaidJournal
from .price import Price
from .settings import Limits, SpendingConfig


class Outcome(NamedTuple):
    """What is known after a run of the engine."""

    answers: dict[str, Answer]
    """By ``Question.key``; those of earlier runs too."""
    rejected: dict[str, str]
    """Why questions will never be answered, by key: they are quarantined."""
    open: list[str]
    """Keys of the questions that have no answer yet."""
    spent_usd: float
    """Billed for certain, by earlier runs on this journal too."""
    held_usd: float = 0.0
    """What requests may have cost whose replies were lost, and those of open batches will."""
    stopped: str = ""
    """Why it ended early, in one line: the cap. Empty where it did not."""


def ask_paid(
    vendor: Vendor,
    questions: Sequence[Question],
    *,
    journal: PaidJournal,
    spending: SpendingConfig,
    price: Price,
    limits: Limits | None = None,
    label: str = "",
) -> Outcome:
    """Ask from plain code, and close the vendor's connections; see ``ask_all``."""

    async def ask() -> Outcome:
        try:
            return await ask_all(
                vendor,
                questions,
                journal=journal,
                spending=spending,
                price=price,
                limits=limits,
                label=label,
            )
        finally:
            await vendor.close()

    return asyncio.run(ask())


async def ask_all(
    vendor: Vendor,
    questions: Sequence[Question],
    *,
    journal: PaidJournal,
    spending: SpendingConfig,
    price: Price,
    limits: Limits | None = None,
    label: str = "",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Outcome:
    """Return the answers to all questions, asking those that the journal does not know.

    Args:
        vendor: that is asked.
        questions: with keys that differ.
        journal: open; it holds what earlier runs had.
        spending: the cap, which counts all that this journal has spent.
        price: of the model.
        limits: what the vendor allows.
        label: beside the progress bar.
        clock: seconds that never go back.
        sleep: waits so many seconds.

    Raises:
        UserError: the key or the model is refused.
        RunError: the vendor failed too often, or rejects everything.
    """
    limits = limits or Limits()
    by_key = {question.key: question for question in questions}
    assert len(by_key) == len(questions), "two questions share a key"
    asker = Asker(vendor, journal, price, spending, limits, clock=clock, sleep=sleep)
    known = {*journal.answers(), *journal.rejected()}
    todo = [question for question in questions if question.key not in known]
    with progress_bar(
        total=len(questions),
        initial=len(questions) - len(todo),
        label=label or vendor.model,
        unit="answer",
    ) as bar:
        asker.bar = bar
        if todo:
            await asker.retries.call(vendor.check)
            if limits.batch and vendor.batches is not None:
                todo = await ask_batches(asker, vendor.batches, todo)
            await asker.ask(todo)
    return _outcome(journal, by_key, stopped=asker.stopped)


def _outcome(journal: PaidJournal, by_key: dict[str, Question], *, stopped: str) -> Outcome:
    answers = {key: answer for key, answer in journal.answers().items() if key in by_key}
    rejected = {key: why for key, why in journal.rejected().items() if key in by_key}
    return Outcome(
        answers,
        rejected,
        [key for key in by_key if key not in answers and key not in rejected],
        journal.spent_usd,
        journal.lost_usd + journal.open_usd,
        stopped,
    )


def stop_batches(
    vendor: Vendor, *, journal: PaidJournal, spending: SpendingConfig, price: Price
) -> int:
    """Cancel the batches that are underway; return how many."""

    async def stop() -> int:
        try:
            if vendor.batches is None:
                return 0
            asker = Asker(
                vendor,
                journal,
                price,
                spending,
                Limits(),
                clock=time.monotonic,
                sleep=asyncio.sleep,
            )
            return await cancel_batches(asker, vendor.batches)
        finally:
            await vendor.close()

    return asyncio.run(stop())
