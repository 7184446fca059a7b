"""What all steps share: a stream of documents in, a stream out; gates mark what they drop."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from ..document import is_dropped, metadata_of


class Step(PipelineStep):
    """A datatrove step that says what it does to the stream in one method."""

    type = "lokal"

    def run(
        self, data: Iterable[Document] | None = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """Return the stream behind this step; called by datatrove's executor."""
        del world_size
        return self.stream(data or (), rank=rank)

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
                    self.stat_update(verdict.reason)
            yield document

    @abstractmethod
    def judge(self, document: Document) -> Verdict | None:
        """Return why the row is dropped, or None to keep it; may write quality fields."""
