"""Asks a vendor paid questions: several at a time, each once, every answer kept and counted."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ...data.errors import RunError
from ...data.progress import progress_bar, say
from ..reply import State
from ..retry import Again, Exhausted, Rejected, Retries
from ..vendors.question import Answer, Question
from ..vendors.vendor import Vendor
from .budget import Budget, CapReached
from .journal import FAILED, LOST, PaidJournal
from .limiter import Limiter
from .model_name import is_same_model
from .price import Price, most_input_tokens
from .settings import Limits, SpendingConfig

if TYPE_CHECKING:
    from tqdm import tqdm

_REJECTED_IN_A_ROW = 20
"""Then a setting is wrong, not the questions."""
_TOO_MANY_REQUESTS = 429


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
    """What requests may have cost whose replies were lost."""
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
    run = _Run(vendor, journal, price, spending, limits, clock=clock, sleep=sleep)
    known = {*journal.answers(), *journal.rejected()}
    todo = [question for question in questions if question.key not in known]
    with progress_bar(
        total=len(questions),
        initial=len(questions) - len(todo),
        label=label or vendor.model,
        unit="answer",
    ) as bar:
        run.bar = bar
        if todo:
            await run.retries.call(vendor.check)
            await run.ask(todo)
    return _outcome(journal, by_key, stopped=run.stopped)


def _outcome(journal: PaidJournal, by_key: dict[str, Question], *, stopped: str) -> Outcome:
    answers = {key: answer for key, answer in journal.answers().items() if key in by_key}
    rejected = {key: why for key, why in journal.rejected().items() if key in by_key}
    return Outcome(
        answers,
        rejected,
        [key for key in by_key if key not in answers and key not in rejected],
        journal.spent_usd,
        journal.held_usd,
        stopped,
    )


@dataclass(slots=True)
class _Run:
    """One run of the engine: its purse, its pace and what it has found."""

    vendor: Vendor
    journal: PaidJournal
    price: Price
    spending: SpendingConfig
    limits: Limits
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    bar: "tqdm[NoReturn] | None" = None
    stopped: str = ""
    budget: Budget = field(init=False)
    limiter: Limiter = field(init=False)
    retries: Retries = field(init=False)
    _rejected_in_a_row: list[str] = field(default_factory=list)
    _strangers: int = 0
    """Answers of another model than was asked."""

    def __post_init__(self) -> None:
        self.budget = Budget(
            cap_usd=self.spending.limit_usd,
            spent_usd=self.journal.spent_usd,
            held_usd=self.journal.held_usd,
        )
        self.limiter = Limiter(
            requests_per_minute=self.limits.requests_per_minute,
            tokens_per_minute=self.limits.tokens_per_minute,
            clock=self.clock,
            sleep=self.sleep,
        )
        self.retries = Retries(
            total_seconds=self.spending.retry_seconds,
            parallel=self.limits.parallel,
            random=Random(),
            clock=self.clock,
            sleep=self.sleep,
        )

    async def ask(self, questions: Sequence[Question]) -> None:
        """Ask one by one, several at a time; what is in flight at a stop is still waited for."""
        todo = iter(questions)
        errors: list[Exception] = []
        await asyncio.gather(*(self._work(todo, errors) for _ in range(self.limits.parallel)))
        if not errors:
            return
        if isinstance(errors[0], CapReached):
            self.stopped = str(errors[0])
            say("spending", self.stopped)
        else:
            raise errors[0]

    async def _work(self, todo: Iterator[Question], errors: list[Exception]) -> None:
        for question in todo:  # shared: each takes the next one
            if errors:
                return
            try:
                await self._ask_one(question)
            except (ValueError, RunError) as error:
                errors.append(error)
                self.retries.stop(error)

    async def _ask_one(self, question: Question) -> None:
        try:
            await self.retries.call(lambda: self._send(question))
        except Exhausted as error:
            say("spending", f"{question.key[:12]} got no answer: {error}")
        except Rejected as error:
            self.reject(question, error)

    async def _send(self, question: Question) -> None:
        """Send a question once: purse first, then the intent, then the wire."""
        tokens = most_input_tokens(question) // 4 + question.max_tokens
        await self.limiter.wait(tokens)
        reserved = self.price.worst_usd(question)
        await self.budget.reserve(reserved)
        intent = self.journal.intend(question.key, reserved_usd=reserved)
        spent, ended = 0.0, LOST
        try:
            answer = await self.vendor.ask(question)
            spent = self.keep(intent, question, answer, reserved_usd=reserved)
            ended = ""
        except Again as error:
            ended = LOST if error.may_cost else FAILED
            if error.status == _TOO_MANY_REQUESTS:
                self.limiter.slow_down()
            raise
        except (Rejected, ValueError, RunError):
            ended = FAILED
            raise
        finally:
            if ended:
                self.journal.end(intent, ended)
            await self.budget.settle(reserved, spent_usd=spent, held=ended == LOST)

    def keep(
        self,
        intent: int,
        question: Question,
        answer: Answer,
        *,
        reserved_usd: float,
        in_batch: bool = False,
    ) -> float:
        """Write an answer with its cost; return the cost, the reserved one where none is told."""
        answer = self._checked(answer)
        usage = answer.usage
        usd = reserved_usd if usage is None else self.price.usd(usage, batch=in_batch)
        self.journal.finish(intent, question, answer, usd=usd, in_batch=in_batch)
        self._rejected_in_a_row.clear()
        if self.bar is not None:
            self.bar.set_postfix_str(f"{self.budget.spent_usd + usd:.4f} USD", refresh=False)
            self.bar.update(1)
        return usd

    def reject(self, question: Question, error: Exception) -> None:
        """Quarantine a question that will never be answered, unless that is so of all.

        Raises:
            RunError: too many in a row; none of them is quarantined.
        """
        say("spending", f"{question.key[:12]} is rejected and not asked again: {error}")
        self.journal.reject(question.key, str(error))
        self._rejected_in_a_row.append(question.key)
        if self.bar is not None:
            self.bar.update(1)
        if len(self._rejected_in_a_row) >= _REJECTED_IN_A_ROW:
            self.journal.take_back(self._rejected_in_a_row)
            raise RunError(
                f"{len(self._rejected_in_a_row)} questions in a row were rejected, the last with "
                f"{error}: correct the settings, then run the same command to ask them again"
            )

    def _checked(self, answer: Answer) -> Answer:
        """Return the answer, marked where another model gave it than was asked."""
        if answer.state is State.wrong_model or (
            answer.model and not is_same_model(self.vendor.model, answer.model)
        ):
            self._strangers += 1
            if self._strangers == 1:
                say(
                    "spending",
                    f"{self.vendor.model} was asked and {answer.model} answers: such answers are "
                    "counted as wrong_model and never scored",
                )
            return answer._replace(state=State.wrong_model)
        return answer
