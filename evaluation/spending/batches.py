"""Asks through a vendor's batches: each created once, adopted after a kill, read to its last line.

The nonce of a batch and its questions are committed before it is created, and its id as soon as
the vendor tells it. A kill in between leaves a nonce without an id: the vendor is then asked for
the batch with that nonce before any other is created.
"""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ...data.errors import RunError, UserError
from ...data.progress import say
from ..retry import Again, Exhausted, Rejected
from ..vendors.question import Answer, Question
from ..vendors.vendor import Batches, BatchState
from .asker import Asker
from .journal import FAILED, LOST, OpenBatch

T = TypeVar("T")

_ROUNDS = 3
"""After so many batches with an error a question is asked by itself."""
_FINDS, _FIND_SECONDS = 3, 10.0
"""A vendor's list may show a batch only after a while."""


async def ask_batches(
    asker: Asker, batches: Batches, questions: Sequence[Question]
) -> list[Question]:
    """Ask in batches; return what is left for asking one by one.

    Raises:
        RunError: a batch failed as a whole.
        UserError: the key or the model is refused.
    """
    desk = _Desk(asker, batches, {question.key: question for question in questions})
    await desk.adopt()
    todo = [question for question in questions if question.key not in desk.underway]
    alone: list[Question] = []
    while todo or desk.open:
        alone += [question for question in todo if desk.errors[question.key] >= _ROUNDS]
        rest = await desk.create([q for q in todo if desk.errors[q.key] < _ROUNDS])
        if not desk.open:
            if rest:
                asker.stop(asker.budget.reached(asker.price.worst_usd(rest[0], batch=True)))
            return [] if rest else alone
        todo = rest + await desk.read_ended()
    return alone


async def cancel_batches(asker: Asker, batches: Batches) -> int:
    """Stop all batches that are underway; what they have done is read at the next run."""
    desk = _Desk(asker, batches, {})
    await desk.adopt()
    for batch in desk.open:
        await desk.call(lambda batch=batch: batches.cancel(batch.batch_id))
        say("spending", f"batch {batch.batch_id} is cancelled; what it has answered is paid")
    return len(desk.open)


@dataclass(slots=True)
class _Desk:
    """The batches underway."""

    asker: Asker
    batches: Batches
    questions: dict[str, Question]
    open: list[OpenBatch] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    """How often a batch brought an error for a question."""

    @property
    def underway(self) -> set[str]:
        """Return the keys of all questions in open batches."""
        return {key for batch in self.open for key in batch.keys}

    async def adopt(self) -> None:
        """Take up what an earlier run has created, also where a kill lost its id."""
        known = self.asker.journal.open_batches()
        for batch in sorted(known, key=lambda batch: not batch.batch_id):
            # Those with an id first: a vendor that hides nonces rules out what it was asked for.
            name = batch.batch_id or await self._find(batch.nonce)
            if name:
                await self.call(lambda name=name: self.batches.status(name))
                self.asker.journal.name_batch(batch.nonce, name)
                self.open.append(batch._replace(batch_id=name))
                say("spending", f"goes on with batch {name} of {len(batch.keys)} questions")
            else:
                await self._close(batch, how=FAILED)

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return what a call about batches brings, asked again where that can help."""
        try:
            return await self.asker.retries.call(send)
        except (Exhausted, Rejected) as error:
            raise RunError(
                f"the batch interface of {self.asker.vendor.model} does not answer ({error}): "
                "run the same command to go on with the same batches"
            ) from error

    async def _find(self, nonce: str) -> str | None:
        """Return the id of the batch with a nonce; None where the vendor has none, for certain."""
        looks = 0
        while looks < _FINDS:
            try:
                if name := await self.batches.find(nonce):
                    return name
                looks += 1
                await self.asker.sleep(_FIND_SECONDS)
            except Again as error:  # it cannot tell yet, perhaps not before the batch has ended
                say("spending", f"waits to learn whether batch {nonce} exists: {error}")
                await self.asker.sleep(self.asker.spending.batch_poll_seconds)
        return None

    async def create(self, questions: Sequence[Question]) -> list[Question]:
        """Create batches of as many questions as the cap lets out; return the others."""
        todo = list(questions)
        while todo:
            reserved: dict[str, float] = {}
            for question in todo[: self.batches.max_questions]:
                usd = self.asker.price.worst_usd(question, batch=True)
                if not self.asker.budget.try_reserve(usd):
                    break
                reserved[question.key] = usd
            if not reserved:
                break
            await self._create_one(todo[: len(reserved)], reserved)
            del todo[: len(reserved)]
        return todo

    async def _create_one(self, chunk: list[Question], reserved: dict[str, float]) -> None:
        nonce = f"lokal-{secrets.token_hex(7)}"
        self.asker.journal.begin_batch(nonce, reserved)

        async def once() -> str:
            # A create whose reply was lost may have gone through: look before asking again.
            return await self.batches.find(nonce) or await self.batches.create(nonce, chunk)

        batch = OpenBatch(nonce, "", frozenset(reserved))
        try:
            try:
                name = await self.batches.create(nonce, chunk)
            except Again:
                name = await self.call(once)
        except Rejected as error:
            await self._close(batch, how=FAILED)
            raise RunError(f"a batch of {len(chunk)} questions is rejected: {error}") from error
        except UserError:
            await self._close(batch, how=FAILED)
            raise
        self.asker.journal.name_batch(nonce, name)
        self.open.append(batch._replace(batch_id=name))
        say("spending", f"created batch {name} of {len(chunk)} questions")

    async def read_ended(self) -> list[Question]:
        """Wait until a batch has ended and read it; return what goes back to the queue."""
        while True:
            for batch in self.open:
                status = await self.call(lambda batch=batch: self.batches.status(batch.batch_id))
                if status.state is BatchState.failed:
                    await self._close(batch, how=FAILED)
                    raise RunError(f"batch {batch.batch_id} failed as a whole: {status.reason}")
                if status.state is BatchState.ended:
                    return await self._read(batch)
            await self.asker.sleep(self.asker.spending.batch_poll_seconds)

    async def _read(self, batch: OpenBatch) -> list[Question]:
        """Keep a batch's answers; return the questions of this run that have none."""
        intents = self.asker.journal.intents(batch.nonce)
        seen: set[str] = set()
        async for key, found in self._results(batch):
            if key not in batch.keys or key in seen:
                say("spending", f"batch {batch.batch_id} has a line of its own making: {key[:20]}")
                continue
            seen.add(key)
            if key in intents:  # else an earlier run, which was killed, has read this line
                await self._take(batch, key, found, *intents[key])
        if len(seen) != len(batch.keys):
            say(
                "spending",
                f"batch {batch.batch_id} has {len(seen)} results for {len(batch.keys)} questions: "
                "the others are asked again",
            )
        await self._close(batch, how=LOST)  # what it left out may be billed all the same
        known = {*self.asker.journal.answers(), *self.asker.journal.rejected()}
        return [
            question
            for key, question in self.questions.items()
            if key in batch.keys and key not in known
        ]

    async def _results(self, batch: OpenBatch) -> AsyncIterator[tuple[str, Answer | Exception]]:
        async def read() -> list[tuple[str, Answer | Exception]]:
            return [row async for row in self.batches.results(batch.batch_id)]

        for row in await self.call(read):
            yield row

    async def _take(
        self, batch: OpenBatch, key: str, found: Answer | Exception, intent: int, usd: float
    ) -> None:
        question = self.questions.get(key) or Question(key, [], 0, "")
        if isinstance(found, Answer):
            spent = self.asker.keep(intent, question, found, reserved_usd=usd, in_batch=True)
            await self.asker.budget.settle(usd, spent_usd=spent)
            return
        self.asker.journal.end(intent, FAILED)
        await self.asker.budget.settle(usd)
        self.errors[key] += 1
        if isinstance(found, Rejected):
            self.asker.reject(question, found)
        elif isinstance(found, UserError):
            raise found

    async def _close(self, batch: OpenBatch, *, how: str) -> None:
        """Give back what is set aside for a batch, or hold it where it may be billed."""
        left = sum(usd for _, usd in self.asker.journal.intents(batch.nonce).values())
        self.asker.journal.close_batch(batch.nonce, how=how)
        await self.asker.budget.settle(left, held=how == LOST)
        self.open = [other for other in self.open if other.nonce != batch.nonce]
