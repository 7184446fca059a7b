"""Whether an answer is no text at all: broken characters, torn words, no language."""

import re
from functools import cache

import pycld2

from ...data.language.lexicon import Lexicons
from ...data.language.lines import without_code
from ...data.region import load_region, region_codes
from ...data.scripts import count_letters

_LISTS = ("en", "id", "jakartan", "ms", "tl", "hi", "hinglish", "ceb", "ilo", "jv", "su", "min")
_BROKEN = re.compile(r"[\ufffd\u0080-\u009f]|Ã[\u0080-\u00bf]|â€|à¤|à¥")
_MAX_BROKEN_SHARE = 0.01
# A vowel sign or virama of Devanagari with no letter before it.
_ORPHAN = re.compile(r"(?:^|[^\u0900-\u097f\u200c\u200d])[\u093e-\u094d]")
_MAX_ORPHAN_SHARE = 0.05
_MIN_WORDS = 15
_MIN_LISTED_SHARE = 0.02
_MIN_LETTER_SHARE = 0.3
_MIN_SYMBOLS = 40
_MIXED = re.compile(r"[A-Za-z][\u0904-\u0939]|[\u0904-\u0939][A-Za-z]")
_MAX_MIXED_SHARE = 0.1
# Four consonants or vowels in a row, or no vowel at all: hardly a word of our Latin languages.
_VOWEL = "aeiouyáéíóúàèâêîôû"
_TORN = re.compile(rf"[^\W\d_{_VOWEL}]{{4}}|[{_VOWEL}]{{4}}|\b[^\W\d_{_VOWEL}]+\b", re.IGNORECASE)
_LONG_WORD = re.compile(r"\b[a-zñáéíóúàèâêîôû]{5,}\b")
_MAX_TORN_SHARE = 0.1
"""In three SIB-200 sentences of id, tl, en, jv, ceb at most 0.09 of the words are so."""
_MIN_LONG_WORDS = 15


def is_gibberish(reply: str) -> bool:
    """Return whether the answer cannot be read; an empty answer is not gibberish but empty."""
    text = without_code(reply).strip()
    words = text.split()
    if not words:
        return False
    if len(_BROKEN.findall(text)) > _MAX_BROKEN_SHARE * len(text):
        return True
    if len(_ORPHAN.findall(text)) > _MAX_ORPHAN_SHARE * len(words):
        return True
    if sum(map(bool, map(_MIXED.search, words))) > max(1, _MAX_MIXED_SHARE * len(words)):
        return True
    long_words = _LONG_WORD.findall(text)
    if len(long_words) >= _MIN_LONG_WORDS:
        num_torn = sum(map(bool, map(_TORN.search, long_words)))
        if num_torn > _MAX_TORN_SHARE * len(long_words):
            return True
    letters = count_letters(text).total()
    if len(text) >= _MIN_SYMBOLS and letters < _MIN_LETTER_SHARE * len("".join(words)):
        return not any(map(str.isdigit, text))  # a table of numbers is an answer
    return len(words) >= _MIN_WORDS and not _is_any_language(text)


def _is_any_language(text: str) -> bool:
    words = _lexicons().read(text)
    if max(words.hits(name) for name in _LISTS) >= _MIN_LISTED_SHARE * words.total:
        return True
    if _stop_words().intersection(text.casefold().split()):
        return True
    try:
        is_sure, _, _ = pycld2.detect(text.encode())
    except pycld2.error:
        return False
    return is_sure


@cache
def _stop_words() -> frozenset[str]:
    codes = region_codes()
    return frozenset(word for code in codes for word in load_region(code).quality.stop_words)


@cache
def _lexicons() -> Lexicons:
    return Lexicons(_LISTS)
