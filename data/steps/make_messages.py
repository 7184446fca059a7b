"""Turns a task row into the conversation that is trained: instruction, text, right answer."""

from collections.abc import Iterable, Iterator, Mapping

from datatrove.data import Document

from ..document import Metadata, is_dropped, metadata_of
from ..instruction import TaskRow, ask, load_task
from ..message import Message
from ..region import Region
from ..settings import Source
from ..suite import Suite, load_suite, topic_messages
from .step import Step


class MakeMessages(Step):
    """Writes ``messages`` into rows with a label.

    A suite's rows get the evaluation's own prompt; other tasks get one of the region's
    instructions, chosen by the row's id and the seed.
    """

    name = "make messages"

    def __init__(self, region: Region, *, sources: Mapping[str, Source], seed: int = 0) -> None:
        """Take the corpus' sources by name, which say suite or task."""
        super().__init__()
        self.region = region
        self.sources = dict(sources)
        self.seed = seed
        self.suites: dict[str, Suite] = {}

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document."""
        del rank
        for document in documents:
            metadata = metadata_of(document)
            if metadata["label"] is not None and not is_dropped(document):
                metadata["messages"] = self._messages(document, metadata)
            yield document

    def _messages(self, document: Document, metadata: Metadata) -> list[Message]:
        source = self.sources[metadata["source"]]
        label = metadata["label"] or ""
        if source.suite is not None:
            if source.suite not in self.suites:
                self.suites[source.suite] = load_suite(source.suite)
            prompt = topic_messages(self.region, self.suites[source.suite], document.text)
            return [*prompt, Message(role="assistant", content=label)]
        assert source.task is not None
        task = load_task(self.region.code, source.task)
        row = TaskRow(metadata["messages"] or [], label)
        return ask(task, row, id=document.id, seed=self.seed, labels=source.labels)
