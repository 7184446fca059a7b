"""Drops rows that CLD2 takes for another language, unless it is known to err about just that."""

import pycld2
from datatrove.data import Document

from ..document import metadata_of
from ..region import Region
from ..scripts import count_letters
from .step import Gate, Verdict

_UNKNOWN = "un"


class LanguageGate(Gate):
    """Keeps genuine short and code-switched rows; figures: docs/decisions/language-gate.md.

    A row is dropped only where CLD2 is sure of another language, finds less than ``min_own_share``
    of the text in the region's own, and the row has as many letters as the region's file demands
    for that other language.
    """

    name = "language gate"
    step = "language"

    def __init__(self, region: Region, *, min_own_share: float) -> None:
        super().__init__()
        self.own = region.cld2
        self.confusable = dict(region.confusable)
        self.min_own_share = min_own_share

    def judge(self, document: Document) -> Verdict | None:
        """Note what CLD2 finds; return a verdict where it is believed."""
        language, own_share = self.detect(document.text)
        metadata = metadata_of(document)
        metadata["cld2_language"] = language
        metadata["cld2_own_share"] = round(own_share, 2)
        if language in ("", self.own) or own_share >= self.min_own_share:
            return None
        needed = self.confusable.get(language, 0)
        if needed and count_letters(document.text).total() < needed:
            return None
        return Verdict("other language", language)

    def detect(self, text: str) -> tuple[str, float]:
        """Return CLD2's code, empty where it is unsure, and the own language's share."""
        try:
            is_reliable, _, found = pycld2.detect(text.encode())
        except pycld2.error:
            return "", 0.0
        language = found[0][1]
        own_share = sum(percent for _, code, percent, _ in found if code == self.own) / 100
        return (language if is_reliable and language != _UNKNOWN else ""), own_share
