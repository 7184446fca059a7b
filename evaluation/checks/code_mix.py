"""How much English an answer mixes in, and which named style of the region it shows."""

from functools import cache
from typing import NamedTuple

from ...data.language.detect import Detector
from ...data.language.lexicon import Lexicons
from ...data.language.register import Registers
from ...data.region import load_region
from ...data.scripts import count_letters
from .prose import prose_lines

_ENGLISH = "en"
_MALAY = "ms"
_DRIFT = "malay-drift"


class Mix(NamedTuple):
    """What the word lists find."""

    english_share: float
    """Part of the words in our English list, or in Latin letters inside Devanagari.

    The list holds function words and common words: it finds about half of English running text. The
    share serves to compare a system with references that the same list has counted."""
    style: str
    """``jakartan``, ``hinglish``, ``taglish``, ``malay-drift`` by the region's rules, or ``""``."""
    malay_share: float | None
    """Part of the words that only Malay writes so; ``None`` for regions without that rule."""


class MixCounter:
    """Word counts for one region."""

    def __init__(self, language: str) -> None:
        region = load_region(language)
        self._registers = Registers(region, {})
        self._has_drift = _DRIFT in region.registers
        self._detector = Detector(region, min_own_share=0.25, register_lists=self._registers.lists)
        self._english = Lexicons([_ENGLISH])

    def count(self, reply: str, *, script: str) -> Mix:
        """Return the shares over the words outside code."""
        text = "\n".join(prose_lines(reply))
        words = self._detector.read(text)
        if not words.total:
            return Mix(0.0, "", 0.0 if self._has_drift else None)
        detected = self._detector.judge(text, words).cld2
        return Mix(
            self._count_english(text, script=script) / words.total,
            self._registers.find(words, detected=detected),
            words.hits(_MALAY) / words.total if self._has_drift else None,
        )

    def _count_english(self, text: str, *, script: str) -> int:
        if script != "Latn":
            return sum(count_letters(word)["Latn"] > 0 for word in text.split())
        return self._english.read(text).hits(_ENGLISH)


@cache
def mix_counter(language: str) -> MixCounter:
    """Return the counter of a region; its lists are read once."""
    return MixCounter(language)
