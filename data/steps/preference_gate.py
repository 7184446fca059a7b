"""Drops preference pairs that would teach another language, or nothing: the consistency check."""

from typing import NamedTuple

from datatrove.data import Document

from ..document import metadata_of, note
from ..language.config import LanguageConfig
from ..language.detect import Detector
from ..language.lines import without_code
from ..language.register import Registers
from ..preferences import num_shared_turns, replies_of
from ..region import Region
from ..scripts import count_letters
from .step import Gate, Verdict

_MIN_LETTERS = 30
"""Shorter replies (a label, a number, a name) have no language that could be told."""
_CLEAR_DIFFERENCE = 0.25
"""CLD2's shares of short replies jitter by less than this."""


class _Reply(NamedTuple):
    """What is found in one reply."""

    num_letters: int
    script_share: float
    """Part of the letters in the region's scripts."""
    other: str
    """The other language that it is believed to be in, or empty."""
    own_share: float | None
    """Part of it in the region's language; None where CLD2 is unsure."""
    register: str


class PreferenceGate(Gate):
    """Keeps a pair whose better reply is in the region's language, and not less so than the worse.

    Code is left out of both. A code-switched better reply stays where ``language.registers`` keeps
    its register.
    """

    name = "preference gate"
    step = "preference"

    def __init__(self, region: Region, config: LanguageConfig) -> None:
        super().__init__()
        self.scripts = [*region.scripts]
        self.config = config
        self.registers = Registers(region, config.registers)
        self.detector = Detector(
            region, min_own_share=config.min_own_share, register_lists=self.registers.lists
        )

    def judge(self, document: Document) -> Verdict | None:
        """Return why a pair is dropped; rows that are no pairs pass."""
        metadata = metadata_of(document)
        messages, rejected = metadata["messages"], metadata["rejected"]
        if messages is None or rejected is None:
            return None
        if messages == rejected:
            return Verdict("equal replies")
        shared = num_shared_turns(messages, rejected)
        chosen = self._look(replies_of(messages, behind=shared))
        if chosen.num_letters < _MIN_LETTERS:
            note(document, "preference: too short for its language to be told")
            return None
        if chosen.register:
            note(document, f"preference: chosen in {chosen.register}")
            if self.registers.keeps(chosen.register, row_id=document.id):
                return None
            return Verdict("chosen in a register", chosen.register)
        if chosen.script_share < self.config.min_script_share:
            return Verdict("chosen in another script", f"{chosen.script_share:.0%} of its letters")
        if chosen.other:
            return Verdict("chosen in another language", chosen.other)
        return self._compare(chosen, self._look(replies_of(rejected, behind=shared)))

    def _look(self, text: str) -> _Reply:
        text = without_code(text)
        letters = count_letters(text)
        own = sum(letters[script] for script in self.scripts)
        words = self.detector.read(text)
        finding = self.detector.judge(text, words)
        return _Reply(
            num_letters=letters.total(),
            script_share=own / max(1, letters.total()),
            other=finding.other,
            own_share=finding.own_share if finding.cld2 else None,
            register=self.registers.find(words, detected=finding.cld2),
        )

    def _compare(self, chosen: _Reply, rejected: _Reply) -> Verdict | None:
        """Return a verdict where the worse reply is clearly more in the region's language."""
        if rejected.num_letters < _MIN_LETTERS:
            return None
        shares = [(chosen.script_share, rejected.script_share)]
        if chosen.own_share is not None and rejected.own_share is not None:
            shares.append((chosen.own_share, rejected.own_share))
        for better, worse in shares:
            if worse - better >= _CLEAR_DIFFERENCE:
                return Verdict(
                    "chosen less in the language than rejected", f"{better:.0%} against {worse:.0%}"
                )
        return None
