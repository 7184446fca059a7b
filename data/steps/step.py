"""What all steps share: a stream of documents in, a stream out; gates mark what they drop."""

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from ..document import is_dropped, metadata_of


class _Stopwatch:
    """Charges every moment to the step that works then; steps call each other, one thread."""

    def __init__(self) -> None:
        self.seconds: list[float] = [0.0]
        self._since = time.perf_counter()

    def switch(self, to: list[float]) -> list[float]:
        """Charge the time since the last switch, then go over; returns who worked until now."""
        now = time.perf_counter()
        before, self.seconds = self.seconds, to
        before[0] += now - self._since
        self._since = now
        return before


_stopwatch = _Stopwatch()


class Step(PipelineStep):
    """A datatrove step that says what it does to the stream in one method."""

    type = "lokal"

    def run(
        self, data: Iterable[Document] | None = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """Return the stream behind this step, timed; called by datatrove's executor."""
        del world_size
        documents = iter(self.stream(data or (), rank=rank))
        seconds = [0.0]
        while True:
            caller = _stopwatch.switch(seconds)
            document = next(documents, None)
            _stopwatch.switch(caller)
            if document is None:
                break
            yield document
        self.stat_update("microseconds", value=round(seconds[0] * 1e6))

    @abstractmethod
    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield the documents, changed or joined by new ones."""


class Verdict(NamedTuple):
    """Why a row is dropped."""

    reason: str
    """One of few, to be counted."""
    detail: str = ""
    """What was found in this row."""


class Gate(Step):
    """A step that judges rows; a dropped one is marked and travels on, so that each is counted."""

    step: str
    """The gate's name in the funnel."""

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document; those that fail carry step, reason and detail."""
        del rank
        for document in documents:
            if not is_dropped(document):
                verdict = self.judge(document)
                if verdict is not None:
                    metadata = metadata_of(document)
                    metadata["step"] = self.step
                    metadata["reason"], metadata["detail"] = verdict
            yield document

    @abstractmethod
    def judge(self, document: Document) -> Verdict | None:
        """Return why the row is dropped, or None to keep it; may write quality fields."""
