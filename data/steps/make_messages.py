"""Turns a task row into the conversation that is trained: instruction, text, right answer."""

from collections.abc import Iterable, Iterator, Mapping

from datatrove.data import Document

from ..document import is_dropped, metadata_of
from ..message import Message
from ..region import Region
from ..suite import load_suite, topic_messages
from .step import Step


class MakeMessages(Step):
    """Writes ``messages`` into rows with a label; the prompt is the evaluation's own."""

    name = "make messages"

    def __init__(self, region: Region, *, suites: Mapping[str, str]) -> None:
        """Take the suite's name for each source of task rows."""
        super().__init__()
        self.region = region
        self.suites = dict(suites)

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield every document."""
        del rank
        suites = {source: load_suite(name) for source, name in self.suites.items()}
        for document in documents:
            metadata = metadata_of(document)
            label = metadata["label"]
            if label is not None and not is_dropped(document):
                prompt = topic_messages(self.region, suites[metadata["source"]], document.text)
                metadata["messages"] = [*prompt, Message(role="assistant", content=label)]
            yield document
