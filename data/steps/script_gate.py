"""Drops rows that are not written in the region's script: romanised Hindi, broken fonts, code."""

from collections.abc import Sequence

from datatrove.data import Document

from ..document import metadata_of
from ..scripts import UNKNOWN, count_letters
from .step import Gate, Verdict


class ScriptGate(Gate):
    """Keeps a row when enough of its letters are in the region's scripts."""

    name = "script gate"
    step = "script"

    def __init__(self, scripts: Sequence[str], *, min_share: float) -> None:
        super().__init__()
        self.scripts = list(scripts)
        self.min_share = min_share

    def judge(self, document: Document) -> Verdict | None:
        """Note the row's main script and the share; return a verdict below the least share."""
        letters = count_letters(document.text)
        metadata = metadata_of(document)
        if not letters:
            metadata["script"] = UNKNOWN
            return Verdict("no letters")
        total = letters.total()
        share = sum(letters[script] for script in self.scripts) / total
        # By count, then by code: the same text always gets the same script.
        metadata["script"] = min(letters, key=lambda script: (-letters[script], script))
        metadata["script_share"] = round(share, 4)
        if share >= self.min_share:
            return None
        return Verdict(
            "other script", f"{metadata['script']} {letters[metadata['script']] / total:.0%}"
        )
