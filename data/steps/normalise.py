"""Brings every text into one Unicode form with plain white space, and counts what it changed."""

from datatrove.data import Document

from ..cleaning.normalise import normalise
from ..document import metadata_of, note
from ..message import Message
from .step import Gate, Verdict


class Normalise(Gate):
    """Normalises the text, or every message and from them the text; drops what is empty then."""

    name = "normalise"
    step = "normalise"

    def judge(self, document: Document) -> Verdict | None:
        """Change the document; return a verdict where no text is left."""
        metadata = metadata_of(document)
        messages = metadata["messages"]
        if messages is None:
            document.text = _normalised(document.text, document=document)
        else:
            turns = [_normalised_turn(turn, document=document) for turn in messages]
            metadata["messages"] = turns
            document.text = "\n".join(turn["content"] for turn in turns if turn["role"] != "system")
            if rejected := metadata["rejected"]:
                worse = [_normalised_turn(turn, document=document) for turn in rejected]
                metadata["rejected"] = worse
                turns = [*turns, *worse]
            if not all(turn["content"] for turn in turns):
                return Verdict("empty message")
        metadata["num_chars"] = len(document.text)
        return None if document.text.strip() else Verdict("empty")


def _normalised_turn(turn: Message, *, document: Document) -> Message:
    return Message(role=turn["role"], content=_normalised(turn["content"], document=document))


def _normalised(text: str, *, document: Document) -> str:
    text, changes = normalise(text)
    for what, number in changes.items():
        note(document, f"normalise: {what}", number)
    return text
