"""Puts typed placeholders where personal values stood."""

from .find import Hit


def mask(text: str, hits: list[Hit]) -> str:
    """Return the text with each hit replaced by its rule's placeholder, such as ``<EMAIL>``."""
    parts: list[str] = []
    end = 0
    for hit in hits:
        parts += text[end : hit.start], hit.rule.placeholder
        end = hit.end
    return "".join([*parts, text[end:]])
