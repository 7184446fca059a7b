"""How a reply must begin and end, and what it must be wrapped in or parted by."""

import re
import unicodedata

from ..words import words
from .relation import Values, phrase

_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»"}
_SEPARATOR = "******"


def begins_with(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply's first words are the asked ones, in any case."""
    wanted = words(_plain(phrase(values, "first_word")))
    return words(_plain(reply))[: len(wanted)] == wanted


def ends_with(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply ends with the phrase, in any case; a closing quote may follow."""
    end = _plain(reply).rstrip("\"'”’»* \n")
    return end.endswith(_plain(phrase(values, "end_phrase")).rstrip("\"'”’»* \n"))


def is_quoted(reply: str, values: Values, language: str) -> bool:
    """Return whether all of the reply stands in double quotation marks, straight or curved."""
    text = reply.strip()
    return len(text) > 2 and text[0] in _QUOTES and text[-1] in {'"', _QUOTES[text[0]]}


def has_postscript(reply: str, values: Values, language: str) -> bool:
    """Return whether a line begins with the marker, as in ``P.S.``, and says something."""
    letters = [re.escape(part) for part in phrase(values, "postscript_marker").split(".") if part]
    marker = re.compile(r"^\W*" + r"\.\s?".join(letters) + r"\.?[:\s*_]*\w", re.I | re.M)
    return marker.search(reply) is not None


def repeats_prompt(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply begins with the request, word for word, and then goes on."""
    request = _plain(phrase(values, "prompt_to_repeat"))
    text = _plain(reply).lstrip("\"'“‘«* \n")
    return text.startswith(request) and bool(words(text.removeprefix(request)))


def has_two_responses(reply: str, values: Values, language: str) -> bool:
    """Return whether six asterisks part two answers that are not the same."""
    parts = [part.strip() for part in reply.split(_SEPARATOR)]
    answers = [part for part in parts if words(part)]
    return len(answers) == 2 and answers[0] != answers[1]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().strip()
