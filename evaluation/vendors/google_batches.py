"""Gemini's batches, with the requests inside: answered within a day at half the price."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from google import genai
from google.genai import types

from ...data.errors import UserError
from ..retry import Again, Rejected
from .batch_rules import check_batch
from .google_client import google_call
from .question import Answer, Question
from .settings import VendorConfig
from .vendor import BatchState, BatchStatus

_MAX_QUESTIONS = 500
"""So that a request stays below the 20 MB that may stand inside."""
_KEY = "key"
_ENDED = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED", "CANCELLED", "EXPIRED"})
_INVALID_ARGUMENT = 3
"""Of google.rpc.Code."""


class ReadContent(Protocol):
    """Reads an answer from a response."""

    def __call__(self, found: types.GenerateContentResponse, *, requested: str) -> Answer:
        """Return the answer, of the requested model or not."""
        ...


class GoogleBatches:
    """The nonce is the batch's display name, which the list of batches shows."""

    max_questions = _MAX_QUESTIONS

    def __init__(
        self,
        config: VendorConfig,
        client: genai.Client,
        *,
        request: Callable[
            [VendorConfig, Question], tuple[list[types.Content], types.GenerateContentConfig]
        ],
        read: ReadContent,
    ) -> None:
        self._config, self._batches = config, client.aio.batches
        self._request, self._read = request, read

    async def create(self, nonce: str, questions: Sequence[Question]) -> str:
        """Return the id of a new batch."""
        check_batch(nonce, questions, most=self.max_questions)
        requests = [self._inlined(question) for question in questions]
        async with google_call(self._config):
            job = await self._batches.create(
                model=self._config.model,
                src=types.BatchJobSource(inlined_requests=requests),
                config=types.CreateBatchJobConfig(display_name=nonce),
            )
        return job.name or ""

    def _inlined(self, question: Question) -> types.InlinedRequest:
        contents, settings = self._request(self._config, question)
        # Only a call of its own knows these two.
        settings.automatic_continuation = settings.automatic_function_calling = None
        return types.InlinedRequest(
            model=self._config.model,
            contents=list(contents),
            config=settings,
            metadata={_KEY: question.key},
        )

    async def find(self, nonce: str) -> str | None:
        """Return the id of the batch with the nonce."""
        async with google_call(self._config):
            pages = await self._batches.list(config=types.ListBatchJobsConfig(page_size=100))
            async for job in pages:
                if job.display_name == nonce:
                    return job.name
        return None

    async def status(self, batch_id: str) -> BatchStatus:
        """Return how far it is; one that expired or was cancelled may have results too."""
        job = await self._get(batch_id)
        name = job.state.name.removeprefix("JOB_STATE_") if job.state else ""
        reason = (job.error.message if job.error else None) or name.lower()
        if name == "FAILED":
            return BatchStatus(BatchState.failed, 0, reason)
        if name in _ENDED:
            return BatchStatus(BatchState.ended, len(_responses(job)), reason)
        return BatchStatus(BatchState.running, 0)

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | Exception]]:
        """Yield what became of each question."""
        for response in _responses(await self._get(batch_id)):
            yield (response.metadata or {}).get(_KEY, ""), self._answer(response)

    def _answer(self, response: types.InlinedResponse) -> Answer | Exception:
        if response.response is None:
            error = response.error or types.JobError()
            reason = f"{error.code}: {error.message}"
            return Rejected(reason) if error.code == _INVALID_ARGUMENT else Again(reason)
        try:
            return self._read(response.response, requested=self._config.model)
        except (Again, Rejected, UserError) as problem:
            return problem

    async def cancel(self, batch_id: str) -> None:
        """Stop it."""
        async with google_call(self._config):
            await self._batches.cancel(name=batch_id)

    async def _get(self, batch_id: str) -> types.BatchJob:
        async with google_call(self._config):
            return await self._batches.get(name=batch_id)


def _responses(job: types.BatchJob) -> list[types.InlinedResponse]:
    return (job.dest.inlined_responses if job.dest else None) or []
