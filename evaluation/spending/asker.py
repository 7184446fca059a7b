"""Sends one question after the other, several at a time, and writes what becomes of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NoReturn

from ...data.errors import RunError
from ...data.progress import say
from ..reply import State
from ..retry import Again, Exhausted, Rejected, Retries
from ..vendors.question import Answer, Question
from ..vendors.vendor import Vendor
from .budget import Budget, CapReached
from .journal import FAILED, LOST, PaidJournal
from .limiter import Limiter
from .price import Price, most_input_tokens
from .settings import Limits, SpendingConfig

if TYPE_CHECKING:
    from tqdm import tqdm

_REJECTED_IN_A_ROW = 20
"""Then a setting is wrong, not the questions."""
_TOO_MANY_REQUESTS = 429


@dataclass(slots=True)
class Asker:
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
    strangers: int = 0
    """Answers of another model than was asked."""

    def __post_init__(self) -> None:
        self.budget = Budget(
            cap_usd=self.spending.limit_usd,
            spent_usd=self.journal.spent_usd,
            held_usd=self.journal.lost_usd,
            reserved_usd=self.journal.open_usd,
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
        if not isinstance(errors[0], CapReached):
            raise errors[0]
        self.stop(errors[0])

    def stop(self, cap: CapReached) -> None:
        """Say, once, that no more can be spent."""
        self.stopped = str(cap)
        say("spending", self.stopped)

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
        self._note_stranger(answer)
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

    def _note_stranger(self, answer: Answer) -> None:
        if answer.state is not State.wrong_model:
            return
        self.strangers += 1
        if self.strangers == 1:
            say(
                "spending",
                f"{self.vendor.model} was asked and {answer.model} answers: such answers are "
                "counted as wrong_model and never scored",
            )
