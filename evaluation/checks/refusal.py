"""Whether an answer refuses, in English, Indonesian, Hindi (both scripts) or Tagalog."""

import re

from .phrases import load_phrases

_LISTS = ("refusal_en", "refusal_id", "refusal_hi", "refusal_tl")
_OPENING = 400
"""Characters: a refusal comes first; "I cannot recommend" further down is advice."""
_APOSTROPHES = re.compile(r"[’‘ʼ]")
_SPACES = re.compile(r"[ \t\u00a0]+")


def is_refusal(reply: str) -> bool:
    """Return whether the opening declines to answer, whatever language the answer was wanted in."""
    opening = _SPACES.sub(" ", _APOSTROPHES.sub("'", reply.strip()[:_OPENING]))
    return any(load_phrases(name).search(opening) for name in _LISTS)
