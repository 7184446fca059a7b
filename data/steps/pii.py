"""Masks personal values, or drops or only counts the rows that hold them."""

from datatrove.data import Document

from ..document import metadata_of, note
from ..message import Message
from ..pii.config import PiiAction
from ..pii.find import Hit, find_pii
from ..pii.mask import mask
from ..pii.registry import rules_named
from ..preferences import num_shared_turns
from ..region import Region
from .step import Gate, Verdict


class MaskPii(Gate):
    """Looks for the values that the region's file names, in the text or in every message."""

    name = "pii"
    step = "pii"

    def __init__(self, region: Region, *, action: PiiAction) -> None:
        super().__init__()
        self.rules = rules_named(region.pii, region=region.code)
        self.action = action

    def judge(self, document: Document) -> Verdict | None:
        """Change the document, count what was found; return a verdict where it is to be dropped."""
        metadata = metadata_of(document)
        messages = metadata["messages"]
        if messages is None:
            hits = find_pii(document.text, self.rules)
            if hits and self.action is PiiAction.mask:
                document.text = mask(document.text, hits)
        else:
            rejected = metadata["rejected"] or []
            shared = num_shared_turns(messages, rejected) if rejected else 0
            found = [find_pii(turn["content"], self.rules) for turn in messages]
            found_worse = [find_pii(turn["content"], self.rules) for turn in rejected]
            hits = [hit for turn in [*found, *found_worse[shared:]] for hit in turn]
            if hits and self.action is PiiAction.mask:
                metadata["messages"] = _masked(messages, found)
                metadata["rejected"] = _masked(rejected, found_worse) or None
                document.text = "\n".join(
                    turn["content"] for turn in metadata["messages"] if turn["role"] != "system"
                )
        for hit in hits:
            note(document, f"pii: {hit.rule.name}")
        metadata["num_chars"] = len(document.text)
        if hits and self.action is PiiAction.drop:
            types = sorted({hit.rule.name for hit in hits})
            return Verdict(f"pii: {hits[0].rule.name}", ", ".join(types))
        return None


def _masked(messages: list[Message], found: list[list[Hit]]) -> list[Message]:
    return [
        Message(role=turn["role"], content=mask(turn["content"], hits))
        for turn, hits in zip(messages, found, strict=True)
    ]
