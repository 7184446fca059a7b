"""Words and numbers that must stand in a reply, must not, or so and so often."""

import re
import unicodedata

from .relation import Values, holds, phrase, phrases


def has_keywords(reply: str, values: Values, language: str) -> bool:
    """Return whether every keyword stands in the reply, as whole words in any case."""
    return all(_count(reply, keyword) for keyword in phrases(values, "keywords"))


def has_no_forbidden_words(reply: str, values: Values, language: str) -> bool:
    """Return whether none of the words stands in the reply, as whole words in any case."""
    return not any(_count(reply, word) for word in phrases(values, "forbidden_words"))


def has_keyword_frequency(reply: str, values: Values, language: str) -> bool:
    """Return whether a word stands in the reply as often as asked."""
    return holds(_count(reply, phrase(values, "keyword")), values, "frequency")


def has_number_frequency(reply: str, values: Values, language: str) -> bool:
    """Return whether a number stands in the reply as often as asked, in digits of any script.

    It stands alone: the 3 in 30 or in 2.3 is another number; a list's "3." is this one.
    """
    wanted = str(int(phrase(values, "number")))
    digits = "".join(_western(character) for character in reply)
    pattern = re.compile(rf"(?<!\d)(?<!\d[.,]){re.escape(wanted)}(?!\d)(?![.,]\d)")
    return holds(len(pattern.findall(digits)), values, "frequency")


def _count(reply: str, keyword: str) -> int:
    """Return how often the keyword stands in the reply and no letter or mark is next to it."""
    text = unicodedata.normalize("NFC", reply).casefold()
    wanted = unicodedata.normalize("NFC", keyword).casefold()
    count, start = 0, text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not (_is_of_word(text[:start][-1:]) or _is_of_word(text[end : end + 1])):
            count += 1
        start = text.find(wanted, end)
    return count


def _is_of_word(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LMN"


def _western(character: str) -> str:
    return str(unicodedata.digit(character)) if character.isdecimal() else character
