"""The language that a whole reply must be in, also one that is no region of ours."""

import pycld2

from ....data.scripts import count_letters
from .relation import Values, phrase

_OWN_SCRIPTS = {"th": "Thai", "my": "Mymr", "km": "Khmr", "lo": "Laoo", "ta": "Taml"}
"""Languages that a script alone tells."""
_SAME = {"id": frozenset({"id", "ms"}), "tl": frozenset({"tl", "fil"})}
"""Codes taken for one language: CLD2 calls a seventh of Indonesian Malay."""
_MIN_SHARE = 0.9


def is_in_language(reply: str, values: Values, language: str) -> bool:
    """Return whether nine letters of ten (their bytes, for CLD2) are in the asked language."""
    wanted = phrase(values, "response_language")
    if wanted in _OWN_SCRIPTS:
        counts = count_letters(reply)
        return counts[_OWN_SCRIPTS[wanted]] >= _MIN_SHARE * max(1, counts.total())
    text = " ".join(reply.split())
    printable = "".join(character for character in text if character.isprintable())
    _, _, found = pycld2.detect(printable, bestEffort=True)
    own = _SAME.get(wanted, frozenset({wanted}))
    return sum(share for _, code, share, _ in found if code in own) >= 100 * _MIN_SHARE
