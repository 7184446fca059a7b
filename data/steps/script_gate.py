"""Drops rows that are not written in the region's script: broken fonts, code, other languages."""

from collections import Counter

from datatrove.data import Document

from ..document import metadata_of, note
from ..language.config import LanguageConfig
from ..language.lexicon import Lexicons
from ..language.lines import without_code
from ..language.register import Registers
from ..region import Region
from ..scripts import UNKNOWN, count_letters
from .step import Gate, Verdict


class ScriptGate(Gate):
    """Keeps a row when enough of its letters, code aside, are in the region's scripts.

    A row in one of the region's ``code_switch_scripts`` is first asked for its register, so that
    romanised Hindi is labelled, and its policy decides; the language gate leaves it alone.
    """

    name = "script gate"
    step = "script"

    def __init__(self, region: Region, config: LanguageConfig) -> None:
        super().__init__()
        self.scripts = list(region.scripts)
        self.switch_scripts = list(region.code_switch_scripts)
        self.min_share = config.min_script_share
        self.registers = Registers(region, config.registers)
        self.lexicons = Lexicons(self.registers.lists)

    def judge(self, document: Document) -> Verdict | None:
        """Note the row's main script and the share; return a verdict below the least share."""
        letters = count_letters(document.text)
        metadata = metadata_of(document)
        if not letters:
            metadata["script"] = UNKNOWN
            return Verdict("no letters")
        if self._own(letters) < self.min_share * letters.total() and "\n" in document.text:
            letters = count_letters(without_code(document.text)) or letters
        total, own = letters.total(), self._own(letters)
        # By count, then by code: the same text always gets the same script.
        metadata["script"] = min(letters, key=lambda script: (-letters[script], script))
        metadata["script_share"] = round(own / total, 4)
        if own >= self.min_share * total:
            return None
        switched = own + sum(letters[script] for script in self.switch_scripts)
        if self.switch_scripts and switched >= self.min_share * total:
            label = self.registers.find(self.lexicons.read(document.text))
            if label:
                return judge_register(document, label, registers=self.registers)
        return Verdict(
            "other script", f"{metadata['script']} {letters[metadata['script']] / total:.0%}"
        )

    def _own(self, letters: Counter[str]) -> int:
        return sum(letters[script] for script in self.scripts)


def judge_register(document: Document, label: str, *, registers: Registers) -> Verdict | None:
    """Label the row with its register; return a verdict where the policy does not keep it."""
    metadata_of(document)["register"] = label
    note(document, f"register: {label}")
    if registers.keeps(label, row_id=document.id):
        return None
    return Verdict(f"register {label}", "not kept by language.registers")
