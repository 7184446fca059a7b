"""How an answer addresses its reader: Anda or kamu or lo; आप, तुम or तू; po and opo or ka and mo."""

import re
from typing import NamedTuple

from .expectation import Register
from .phrases import has_phrases, load_phrases
from .prose import without_quotes

FORMAL, FAMILIAR, INTIMATE = "formal", "familiar", "intimate"
_LEVELS = (FORMAL, FAMILIAR, INTIMATE)
_NEUTRAL = {"id": (FORMAL,), "hi": (FORMAL,), "tl": (FORMAL, FAMILIAR)}
"""What plain public prose may use: a Tagalog newspaper says ``mo`` without being familiar."""

# A polite pronoun with a familiar verb, "आप कैसे हो?"; a conjunction may bring another subject.
_OTHER_CLAUSE = r"कि|जो|जब|अगर|यदि|तो|ki|jo|jab|agar|yadi|toh?|लेकिन|और|aur"
_GAP = rf"(?:(?!(?<!\S)(?:{_OTHER_CLAUSE})(?!\S))[^।?!.,;\n]){{0,120}}?"
_CLASHES = (
    re.compile(
        rf"(?<!\S)(?:आप|aap|ap)\s{_GAP}(?<!\S)(?:हो|ho)(?=\s*(?:[।?!.,;\n]|$))", re.IGNORECASE
    ),
    re.compile(
        rf"(?<!\S)(?:तुम|tum)\s{_GAP}(?<!\S)(?:हैं|hain)(?=\s*(?:[।?!.,;\n]|$))", re.IGNORECASE
    ),
)


class Address(NamedTuple):
    """The level of address that most words speak for."""

    form: str
    """``formal``, ``familiar``, ``intimate``; empty: nobody is addressed."""
    is_mixed: bool
    """Two levels stand in one answer, or a pronoun and its verb disagree."""

    def keeps(self, register: Register | None, *, language: str) -> bool | None:
        """Return whether the answer is in the wanted register, if it can be told."""
        if register is None or not self.form:
            return None
        if register == "formal":
            return self.form == FORMAL
        if register == "familiar":
            return self.form in (FAMILIAR, INTIMATE)
        return self.form in _NEUTRAL.get(language, _LEVELS)


def find_address(reply: str, language: str) -> Address:
    """Return the level of address outside quotations and code; none for English."""
    text = without_quotes(reply)
    hits = {level: _count(text, f"address_{language}_{level}") for level in _LEVELS}
    found = [level for level in _LEVELS if hits[level]]
    is_mixed = len(found) > 1 or (language == "hi" and any(c.search(text) for c in _CLASHES))
    if not found and _count(text, f"address_{language}_plural"):
        return Address(FORMAL, is_mixed=False)
    return Address(max(found, key=lambda level: hits[level], default=""), is_mixed)


def _count(text: str, name: str) -> int:
    return len(load_phrases(name).findall(text)) if has_phrases(name) else 0
