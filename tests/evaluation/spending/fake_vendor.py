"""A vendor in memory: answers at once, fails as told, and counts what it would bill."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from lokal.data.manifest import sha256_of_json
from lokal.evaluation.reply import State
from lokal.evaluation.spending.price import Price
from lokal.evaluation.vendors.question import Answer, Question, Usage
from lokal.evaluation.vendors.same_model import same_model
from lokal.evaluation.vendors.vendor import BatchState, BatchStatus

PRICE = Price(1.0, 2.0, batch_factor=0.5)
USAGE = Usage(100, 10)
USD = PRICE.usd(USAGE)
"""Of one answer."""

Fault = Callable[[int, Question], Exception | None]
"""What call number n (from 1) on a question ends with; None where it is answered."""


def questions(number: int, *, max_tokens: int = 20) -> list[Question]:
    return [
        Question(
            key=sha256_of_json(["q", n]),
            messages=[{"role": "user", "content": f"पहला प्रश्न {n}: ibu kota?"}],
            max_tokens=max_tokens,
            language=("id", "hi", "tl")[n % 3],
        )
        for n in range(number)
    ]


class FakeVendor:
    def __init__(
        self,
        *,
        fault: Fault | None = None,
        returns: str = "fake-1",
        seconds: float = 0.0,
        batches: "FakeBatches | None" = None,
    ) -> None:
        self.model = "fake-1"
        self.fault, self.returns, self.seconds = fault, returns, seconds
        self.batches = batches
        self.calls: list[str] = []
        self.billed = 0
        self.in_flight = self.most_in_flight = 0

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def ask(self, question: Question) -> Answer:
        self.calls.append(question.key)
        number = len(self.calls)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        if self.fault is not None and (error := self.fault(number, question)) is not None:
            raise error
        self.billed += 1
        return answer(question, model=self.returns)


def answer(question: Question, *, model: str = "fake-1") -> Answer:
    state = State.ok if same_model("fake-1", model) else State.wrong_model
    return Answer(f"re {question.key[:8]}", state, model, USAGE, "r-1", {"id": "r-1"})


class FakeBatches:
    """Keeps batches as a vendor does: what is created stays, whoever asks."""

    max_questions = 100

    def __init__(self, *, error_of: dict[str, Exception] | None = None) -> None:
        self.created: dict[str, list[Question]] = {}
        self.nonces: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.looks = 0
        self.error_of = error_of or {}
        self.leave_out: set[str] = set()

    async def create(self, nonce: str, questions: Sequence[Question]) -> str:
        name = f"batch-{len(self.created)}"
        self.created[name] = list(questions)
        self.nonces[nonce] = name
        return name

    async def find(self, nonce: str) -> str | None:
        return self.nonces.get(nonce)

    async def status(self, batch_id: str) -> BatchStatus:
        self.looks += 1
        done = self.looks % 2 == 0
        return BatchStatus(BatchState.ended if done else BatchState.running, 0)

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | Exception]]:
        for question in reversed(self.created[batch_id]):
            if question.key in self.leave_out:
                self.leave_out.discard(question.key)
            elif error := self.error_of.pop(question.key, None):
                yield question.key, error
            else:
                yield question.key, answer(question)

    async def cancel(self, batch_id: str) -> None:
        self.cancelled.append(batch_id)
