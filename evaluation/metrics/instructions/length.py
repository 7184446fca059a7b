"""Lengths: words, sentences and paragraphs.

SEA-IFEval asks for ``***`` between sentences and between paragraphs, since not every script marks
where a sentence ends. ``divider: ""`` in ``kwargs`` asks for none: then a full stop or danda ends
a sentence, and an empty line a paragraph.
"""

import re

from ..words import sentences, words
from .relation import Values, holds

_EMPTY_LINES = re.compile(r"\n\s*\n")


def has_num_words(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply is as long as asked, in words."""
    return holds(len(words(reply)), values, "num_words")


def has_num_sentences(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply is as long as asked, in sentences.

    Between dividers, a part counts as one sentence for "at least", however many it holds; for
    "less than" and "exactly" all of them count, so that no divider hides any.
    """
    divider = _divider(values)
    if not divider:
        return holds(len(sentences(reply)), values, "num_sentences")
    parts = _parts(reply, divider)
    if values.get("relation") == "at least":
        return holds(len(parts), values, "num_sentences")
    return holds(sum(len(sentences(part)) for part in parts), values, "num_sentences")


def has_num_paragraphs(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply has exactly so many paragraphs; empty ones do not count."""
    divider = _divider(values)
    pieces = _parts(reply, divider) if divider else _EMPTY_LINES.split(reply)
    return holds(sum(bool(words(piece)) for piece in pieces), values, "num_paragraphs")


def _divider(values: Values) -> str:
    divider = values.get("divider", "***")
    if not isinstance(divider, str):
        raise ValueError(f"kwargs.divider must be text, or empty for none, got {divider!r}")
    return divider


def _parts(reply: str, divider: str) -> list[str]:
    return [part for part in reply.split(divider) if words(part)]
