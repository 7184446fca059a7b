"""What the engine that spends money needs of a vendor; one adapter each stands beside this file."""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from .question import Answer, Question


class Vendor(Protocol):
    """One model of one vendor, asked through the vendor's own SDK without its retries."""

    @property
    def model(self) -> str:
        """Return the model as it is asked for."""
        ...

    @property
    def batches(self) -> "Batches | None":
        """Return the batch interface, at half the price; None where there is none."""
        ...

    async def check(self) -> None:
        """Ask for nothing that costs; learn whether key and model are good.

        Raises:
            UserError: the key is refused, or there is no such model.
            Again: it cannot tell now.
        """
        ...

    async def ask(self, question: Question) -> Answer:
        """Return the answer; sent once.

        Raises:
            Again: it may go well later (retry.py).
            Rejected: this question will never be answered.
            UserError: no question would be: the key or the model is refused.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class BatchState(StrEnum):
    """How far a batch is."""

    running = "running"
    ended = "ended"
    """Its results can be read; some may be errors."""
    failed = "failed"
    """As a whole: nothing of it was done."""


class BatchStatus(NamedTuple):
    """A batch as the vendor describes it."""

    state: BatchState
    num_done: int
    reason: str = ""


class Batches(Protocol):
    """A vendor's batch interface."""

    @property
    def max_questions(self) -> int:
        """Return how many questions one batch may hold."""
        ...

    async def create(self, nonce: str, questions: Sequence[Question]) -> str:
        """Return the id of a new batch that carries the nonce where ``find`` sees it."""
        ...

    async def find(self, nonce: str) -> str | None:
        """Return the id of the batch that was created with the nonce; None if there is none.

        Raises:
            Again: it cannot tell yet. Anthropic's shows its nonce only when it has ended, so ask
                for the ``status`` of all batches with known ids first: those are ruled out.
        """
        ...

    async def status(self, batch_id: str) -> BatchStatus:
        """Return how far it is."""
        ...

    def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | Exception]]:
        """Yield key and answer, or why there is none, in any order."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Stop it; what is done already can be read and is paid."""
        ...
