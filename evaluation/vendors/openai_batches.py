"""OpenAI's batches: a file of requests, answered within a day at half the price."""

import json
from collections.abc import AsyncIterator, Callable, Sequence

import openai

from ...data.manifest import Json
from ..retry import Again, Rejected
from .batch_rules import ReadBody, check_batch
from .failure import error_of_code, failure
from .openai_client import openai_call
from .question import Answer, Question
from .reading import object_in, text_in
from .settings import VendorConfig
from .vendor import BatchState, BatchStatus

_MAX_QUESTIONS = 10_000
"""Of 50,000, so that a file stays far below its 200 MB."""
_NONCE = "lokal_nonce"
_ENDPOINT = "/v1/responses"
_ENDED = frozenset({"completed", "expired", "cancelled"})
_OK = 200


class OpenAIBatches:
    """The nonce stands in the metadata, where the list of batches shows it."""

    max_questions = _MAX_QUESTIONS

    def __init__(
        self,
        config: VendorConfig,
        client: openai.AsyncOpenAI,
        *,
        request: Callable[[VendorConfig, Question], dict[str, Json]],
        read: ReadBody,
    ) -> None:
        self._config, self._client = config, client
        self._request, self._read = request, read

    async def create(self, nonce: str, questions: Sequence[Question]) -> str:
        """Return the id of a new batch."""
        check_batch(nonce, questions, most=self.max_questions)
        lines = [json.dumps(self._line(question), ensure_ascii=False) for question in questions]
        content = "".join(f"{line}\n" for line in lines).encode("utf-8")
        async with openai_call(self._config):
            file = await self._client.files.create(
                file=(f"{nonce}.jsonl", content), purpose="batch"
            )
        async with openai_call(self._config):
            batch = await self._client.batches.create(
                input_file_id=file.id,
                endpoint=_ENDPOINT,
                completion_window="24h",
                metadata={_NONCE: nonce},
            )
        return batch.id

    def _line(self, question: Question) -> dict[str, Json]:
        body = self._request(self._config, question)
        return {"custom_id": question.key, "method": "POST", "url": _ENDPOINT, "body": body}

    async def find(self, nonce: str) -> str | None:
        """Return the id of the batch with the nonce."""
        async with openai_call(self._config):
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(_NONCE) == nonce:
                    return batch.id
        return None

    async def status(self, batch_id: str) -> BatchStatus:
        """Return how far it is; an expired or cancelled one has results too."""
        async with openai_call(self._config):
            batch = await self._client.batches.retrieve(batch_id)
        counts = batch.request_counts
        done = counts.completed + counts.failed if counts else 0
        if batch.status == "failed":
            errors = (batch.errors.data if batch.errors else None) or []
            return BatchStatus(BatchState.failed, 0, "; ".join(str(e.message) for e in errors))
        state = BatchState.ended if batch.status in _ENDED else BatchState.running
        return BatchStatus(state, done, "" if state is BatchState.running else batch.status)

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Answer | Exception]]:
        """Yield what stands in the file of answers, then in that of errors."""
        async with openai_call(self._config):
            batch = await self._client.batches.retrieve(batch_id)
        for file_id in (batch.output_file_id, batch.error_file_id):
            if not file_id:
                continue
            async with openai_call(self._config):
                content = await self._client.files.content(file_id)
            for line in content.text.split("\n"):
                if line.strip():
                    yield self._result(line)

    def _result(self, line: str) -> tuple[str, Answer | Exception]:
        try:
            row = object_in(json.loads(line))
        except ValueError as error:
            raise Again("the file of results is not whole") from error
        return text_in(row.get("custom_id")), self._answer(row)

    def _answer(self, row: dict[str, Json]) -> Answer | Exception:
        reply, error = object_in(row.get("response")), object_in(row.get("error"))
        body, status = object_in(reply.get("body")), reply.get("status_code")
        if not reply:
            return error_of_code(text_in(error.get("code")), text_in(error.get("message")))
        if status != _OK:
            said = object_in(body.get("error"))
            code, reason = text_in(said.get("code")), text_in(said.get("message"))
            return failure(self._config, int(str(status)), reason=reason, code=code)
        try:
            answer = self._read(body, requested=self._config.model)
        except (Again, Rejected) as problem:
            return problem
        return answer._replace(request_id=text_in(reply.get("request_id")))

    async def cancel(self, batch_id: str) -> None:
        """Stop it."""
        async with openai_call(self._config):
            await self._client.batches.cancel(batch_id)
