"""The answer inside a reply that may say more: behind its last marker, else all of it."""

import re
import unicodedata
from functools import cache

from ...data.region import load_region


def answer_text(reply: str, *, language: str) -> str:
    """Return what follows the last ``Answer:`` (or its word in the language) on its line.

    A reply without a marker is the answer as it stands.
    """
    text = unicodedata.normalize("NFC", reply).strip()
    marked = _marked(load_region(language).prompts.get("answer", "")).findall(text)
    return marked[-1].strip(" *_\"'“”") if marked else text


@cache
def _marked(marker: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in dict.fromkeys([marker, "Answer"]) if word)
    return re.compile(rf"(?<!\w)(?:{words})\s?[*_]*\s?:[*_\s]*(\S[^\n]*)", re.IGNORECASE)
