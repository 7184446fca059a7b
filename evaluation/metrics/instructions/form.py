"""Forms that a reply must have: bullets, headings, highlights, a title, JSON, a set answer."""

import json
import re
import unicodedata

from .relation import Values, number, phrase, phrases

_BULLET = re.compile(r"^[ \t]*[*-][ \t]+\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(?<!\*)(\*{1,3})(?![\s*])([^*\n]*[^*\s])\1(?!\*)")
_TITLE = re.compile(r"<<[ \t]*[^<>\s][^<>\n]*>>")
_PLACEHOLDER = re.compile(r"\[[ \t]*[^\[\]\s][^\[\]\n]*\]")
_FENCE = re.compile(r"```[A-Za-z]*\s*\n?(.*?)\s*```", re.DOTALL)
_ANSWERS = {
    "en": ("My answer is yes.", "My answer is no.", "My answer is maybe."),
    "id": ("Jawaban saya adalah ya.", "Jawaban saya adalah tidak.", "Jawaban saya adalah mungkin."),
    "tl": ("Ang sagot ko ay oo.", "Ang sagot ko ay hindi.", "Ang sagot ko ay siguro."),
}
"""The three answers that SEA-IFEval's prompts offer, by language; ``kwargs.options`` for others."""


def has_num_bullets(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply has exactly so many Markdown bullets, ``*`` or ``-``."""
    return len(_BULLET.findall(reply)) == number(values, "num_bullets")


def has_num_highlights(reply: str, values: Values, language: str) -> bool:
    """Return whether so many pieces or more are set between asterisks, one or two a side."""
    return len(_HIGHLIGHT.findall(reply)) >= number(values, "num_highlights")


def has_title(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply has a title ``<<like this>>``."""
    return _TITLE.search(reply) is not None


def is_json(reply: str, values: Values, language: str) -> bool:
    """Return whether all of the reply is JSON, bare or in one code fence."""
    fenced = _FENCE.fullmatch(reply.strip())
    try:
        json.loads(fenced[1] if fenced else reply)
    except (ValueError, RecursionError):
        return False
    return True


def has_num_sections(reply: str, values: Values, language: str) -> bool:
    """Return whether exactly so many lines begin a section, as in ``BAGIAN 1``."""
    title = re.escape(unicodedata.normalize("NFC", phrase(values, "section_title")))
    heading = re.compile(rf"^[\s#*_>]*{title}\s+\w+", re.MULTILINE)
    found = heading.findall(unicodedata.normalize("NFC", reply))
    return len(found) == number(values, "num_sections")


def has_num_placeholders(reply: str, values: Values, language: str) -> bool:
    """Return whether so many placeholders or more stand in the reply, as in ``[nama]``."""
    return len(_PLACEHOLDER.findall(reply)) >= number(values, "num_placeholders")


def is_one_of_options(reply: str, values: Values, language: str) -> bool:
    """Return whether the reply gives exactly one of the answers that the prompt offers.

    Raises:
        ValueError: no answers are known in this language, and ``kwargs.options`` has none.
    """
    if "options" in values:
        options = tuple(phrases(values, "options"))
    elif language in _ANSWERS:
        options = _ANSWERS[language]
    else:
        raise ValueError(f"kwargs.options must list the answers that may be given in {language!r}")
    text = unicodedata.normalize("NFC", reply)
    return sum(unicodedata.normalize("NFC", option) in text for option in options) == 1
