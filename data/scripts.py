"""Which writing system a letter belongs to: ISO 15924 codes from Unicode's own character names."""

import re
import unicodedata
from collections import Counter
from functools import cache

from .errors import UserError

# First word of the Unicode names of a script's letters.
_NAMES = {
    "Arab": "ARABIC",
    "Armn": "ARMENIAN",
    "Bali": "BALINESE",
    "Beng": "BENGALI",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN",
    "Grek": "GREEK",
    "Gujr": "GUJARATI",
    "Guru": "GURMUKHI",
    "Hang": "HANGUL",
    "Hani": "CJK",
    "Hebr": "HEBREW",
    "Hira": "HIRAGANA",
    "Java": "JAVANESE",
    "Kana": "KATAKANA",
    "Khmr": "KHMER",
    "Knda": "KANNADA",
    "Laoo": "LAO",
    "Latn": "LATIN",
    "Mlym": "MALAYALAM",
    "Mymr": "MYANMAR",
    "Orya": "ORIYA",
    "Sinh": "SINHALA",
    "Sund": "SUNDANESE",
    "Taml": "TAMIL",
    "Telu": "TELUGU",
    "Tglg": "TAGALOG",
    "Thai": "THAI",
    "Tibt": "TIBETAN",
}
_CODES = {name: code for code, name in _NAMES.items()}
_ASCII = re.compile(r"[\x00-\x7f]+")
_ASCII_OTHERS = bytes(number for number in range(128) if not chr(number).isalpha())
UNKNOWN = "Zzzz"
"""ISO 15924 for a script that is not in the table, or a text without letters."""


def script_name(code: str) -> str:
    """Return the Unicode name of a script.

    Raises:
        UserError: the code is not in the table.
    """
    if code not in _NAMES:
        raise UserError(f"unknown script {code!r}: choose one of {', '.join(sorted(_NAMES))}")
    return _NAMES[code]


def count_letters(text: str) -> Counter[str]:
    """Return the number of letters and vowel signs of each script in the text."""
    counts: Counter[str] = Counter()
    ascii_bytes = text.encode("ascii", "ignore")
    # Bytes are counted several times as fast as characters are looked up.
    if 2 * len(ascii_bytes) > len(text):
        counts["Latn"] = len(ascii_bytes.translate(None, _ASCII_OTHERS))
        text = _ASCII.sub("", text)
    for character, number in Counter(text).items():
        script = _script_of(character)
        if script:
            counts[script] += number
    return +counts


@cache
def _script_of(character: str) -> str:
    """Return the letter's script; empty for what is no letter, or belongs to any script."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    first = unicodedata.name(character, "").partition(" ")[0]
    if first in _CODES:
        return _CODES[first]
    return "" if unicodedata.category(character)[0] == "M" else UNKNOWN
