"""Turns a task row into the conversation that is trained, or into a pair of them."""

from collections.abc import Iterable, Iterator, Mapping

from datatrove.data import Document

from ..document import Metadata, is_dropped, metadata_of
from ..instruction import TaskRow, ask, load_task, other_label
from ..message import Message
from ..region import Region
from ..settings import Kind, Source
from ..suite import Suite, load_suite, topic_messages
from .step import Step


class MakeMessages(Step):
    """Writes ``messages`` into rows with a label.

    A suite's rows get the evaluation's own prompt; other tasks get one of the region's
    instructions, chosen by the row's id and the seed. A preference source's rows also get the
    same conversation with a wrong label, as ``rejected``.
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
                self._ask(document, metadata)
            yield document

    def _ask(self, document: Document, metadata: Metadata) -> None:
        """Write the conversation, and for a preference pair the one with a wrong label too."""
        source, label = self.sources[metadata["source"]], metadata["label"] or ""
        fields = metadata["messages"] or []
        metadata["messages"] = self._answered(document, fields, label)
        if source.kind is Kind.preference:
            wrong = other_label(self._labels(source), label, id=document.id, seed=self.seed)
            metadata["rejected"] = self._answered(document, fields, wrong)

    def _answered(self, document: Document, fields: list[Message], label: str) -> list[Message]:
        source = self.sources[metadata_of(document)["source"]]
        if source.suite is not None:
            prompt = topic_messages(self.region, self._suite(source.suite), document.text)
            return [*prompt, Message(role="assistant", content=label)]
        assert source.task is not None
        task = load_task(self.region.code, source.task)
        row = TaskRow(fields, label)
        return ask(task, row, id=document.id, seed=self.seed, labels=source.labels)

    def _labels(self, source: Source) -> list[str]:
        if source.suite is not None:
            return list(self._suite(source.suite).labels)
        assert source.task is not None
        return list(load_task(self.region.code, source.task).labels)

    def _suite(self, name: str) -> Suite:
        if name not in self.suites:
            self.suites[name] = load_suite(name)
        return self.suites[name]
