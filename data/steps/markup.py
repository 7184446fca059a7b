"""Takes markup and hard wraps out of running text, and counts what it took."""

from datatrove.data import Document

from ..cleaning.markup import strip_markup
from ..cleaning.markup_config import MarkupConfig
from ..document import metadata_of, note
from .step import Gate, Verdict


class Markup(Gate):
    """Strips every document but conversations and task rows; drops what is empty then."""

    name = "markup"
    step = "markup"

    def __init__(self, config: MarkupConfig) -> None:
        super().__init__()
        self.config = config

    def judge(self, document: Document) -> Verdict | None:
        """Change the document; return a verdict where nothing but markup was in it."""
        metadata = metadata_of(document)
        if metadata["messages"] is not None or metadata["label"] is not None:
            return None
        document.text, changes = strip_markup(document.text, self.config)
        for what, number in changes.items():
            note(document, f"markup: {what}", number)
        metadata["num_chars"] = len(document.text)
        return None if document.text else Verdict("only markup")
