"""Anthropic's message batches: answered within a day at half the price.

A batch carries no words of ours but the ids of its requests, and those are shown only when it has
ended. The nonce is therefore the beginning of each id, and a batch that still runs may be anyone's.
"""

import base64
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import anthropic

from ...data.errors import UserError
from ...data.manifest import Json
from ..retry import Again, Rejected
from .anthropic_client import anthropic_call
from .batch_rules import ReadBody, check_batch
from .failure import error_of_code
from .question import Answer, Question
from .reading import object_in, text_in
from .settings import VendorConfig
from .vendor import BatchState, BatchStatus

_MAX_QUESTIONS = 10_000
"""Of 100,000, so that a request stays far below its 256 MB."""
_LOOK_AGAIN_SECONDS = 60.0


class AnthropicBatches:
    """The nonce stands before each question's key in its id."""

    max_questions = _MAX_QUESTIONS

    def __init__(
        self,
        config: VendorConfig,
        client: anthropic.AsyncAnthropic,
        *,
        request: Callable[[VendorConfig, Question], dict[str, Json]],
        read: ReadBody,
    ) -> None:
        self._config, self._client = config, client
        self._request, self._read = request, read
        self._suspects: dict[str, set[str]] = {}
        """By nonce: batches that ran when it was first looked for."""
        self._known = set[str]()
        """Batches of other nonces: they were made here, or are asked for by their ids."""

    async def create(self, nonce: str, questions: Sequence[Question]) -> str:
        """Return the id of a new batch."""
        check_batch(nonce, questions, most=self.max_questions)
        requests = [
            {
                "custom_id": f"{nonce}-{_short(question.key)}",
                "params": self._request(self._config, question),
            }
            for question in questions
        ]
        async with anthropic_call(self._config):
            batch = await self._client.messages.batches.create(requests=cast(list, requests))
        self._known.add(batch.id)
        return batch.id

    async def find(self, nonce: str) -> str | None:
        """Return the id of the batch with the nonce.

        Raises:
            Again: a batch that ran when the nonce was first looked for still runs; it may be it.
        """
        running, ended = set[str](), list[str]()
        async with anthropic_call(self._config):
            async for batch in self._client.messages.batches.list(limit=100):
                if batch.processing_status != "ended":
                    running |= {batch.id} - self._known
                elif batch.results_url:
                    ended.append(batch.id)
        for batch_id in ended:
            if await self._nonce(batch_id) == nonce:
                return batch_id
        suspects = self._suspects.setdefault(nonce, running)
        suspects &= running
        if suspects:
            raise Again(
                f"batch {min(suspects)} still runs, and shows only at its end whose it is",
                after_seconds=_LOOK_AGAIN_SECONDS,
            )
        return None

    async def _nonce(self, batch_id: str) -> str:
        """Return the nonce of an ended batch; empty for one of somebody else."""
        async with anthropic_call(self._config):
            async for result in await self._client.messages.batches.results(batch_id):
                return result.custom_id[: -_SHORT_LENGTH - 1]
        return ""

    async def status(self, batch_id: str) -> BatchStatus:
        """Return how far it is; one that expired or was cancelled has results too."""
        self._known.add(batch_id)
        async with anthropic_call(self._config):
            batch = await self._client.messages.batches.retrieve(batch_id)
        counts = batch.request_counts
        done = counts.succeeded + counts.errored + counts.canceled + counts.expired
        state = BatchState.ended if batch.processing_status == "ended" else BatchState.running
        return BatchStatus(state, done)

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | Exception]]:
        """Yield what became of each question."""
        async with anthropic_call(self._config):
            found = await self._client.messages.batches.results(batch_id)
            rows = [row.model_dump(mode="json", warnings=False) async for row in found]
        for row in rows:
            key = _key(text_in(row.get("custom_id"))[-_SHORT_LENGTH:])
            yield key, self._answer(object_in(row.get("result")))

    def _answer(self, result: dict[str, Json]) -> Answer | Exception:
        kind = text_in(result.get("type"))
        if kind == "errored":
            told = object_in(object_in(result.get("error")).get("error"))
            return error_of_code(text_in(told.get("type")), text_in(told.get("message")))
        if kind != "succeeded":
            return Again(f"the batch has {kind} before this question's turn")
        try:
            return self._read(object_in(result.get("message")), requested=self._config.model)
        except (Again, Rejected, UserError) as problem:
            return problem

    async def cancel(self, batch_id: str) -> None:
        """Stop it."""
        async with anthropic_call(self._config):
            await self._client.messages.batches.cancel(batch_id)


_SHORT_LENGTH = 43
"""Of 32 bytes in the alphabet of ids; with the nonce it stays within the 64 that are allowed."""


def _short(key: str) -> str:
    """Return the 64 hex digits of a key in 43 characters."""
    return base64.urlsafe_b64encode(bytes.fromhex(key)).decode("ascii").rstrip("=")


def _key(short: str) -> str:
    """Return the key again; what is none, of a batch of somebody else, is left as it is."""
    try:
        return base64.urlsafe_b64decode(f"{short}=").hex()
    except ValueError:
        return short
