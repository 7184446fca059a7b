"""One rule: the shapes a personal value is written in, the words beside it, and its check digit."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_END = r"(?![0-9A-Za-z\u0900-\u097f])"
"""End of a word; ``\\b`` takes Devanagari vowel signs for the end of one."""
_NUMBER_WORDS = (
    r"(?:\W{0,2}(?:numbers?|numero(?:ng)?|no|num|nomor|id|card|ko|kong|mo|niya|saya|nya|kartu"
    rf"|नंबर|नम्बर|संख्या|क्रमांक|आईडी|कार्ड){_END}){{0,3}}"
)
"""Words such as "number" between the name of a type and the value."""

THINGS = re.compile(
    r"(?:\b(?:order|pesanan|resi|invoice|faktur|transaksi|transaction|reference|ref|kode|kodigo|kodigong"
    r"|code|seri|serial|berkas|voucher|tracking|ISBN|ISSN|IMEI|DOI|PNR|UTR|barcode|rekening|account)\b"
    r"|ऑर्डर|आर्डर|पीएनआर|यूटीआर|लेनदेन|लेन-देन|ट्रैकिंग|चालान|आवेदन|वाउचर|मीटर|आईएसबीएन|कोड|पंजीकरण|रोल|सीरियल"
    rf"|रसीद|बैच|खाता){_NUMBER_WORDS}"
    r"|(?:\bRp|\bIDR|\bPHP|\bINR|[₹₱$€£]|रु|\bRs)\.? ?$",
    re.IGNORECASE,
)
"""Words before a number that say it is a thing's, not a person's."""

AMOUNTS = re.compile(
    r" ?(?:kali|orang|jiwa|rupiah|ton|butir|unit|beses|katao|piso|tonelada|views?|times|people|USD"
    rf"|%|बार|रुपये|रुपए|लोग|लोगों|टन|वर्ग|किमी|करोड़|लाख){_END}",
    re.IGNORECASE,
)
"""Words right behind a number that say it counts something."""

YEARS = re.compile("(?:1[6-9]|20)[0-9]{2}-(?:1[6-9]|20)[0-9]{2}")
"""Two years, written like a telephone number without its area code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How values of one type are found; texts reach it with ASCII digits, spaces and hyphens."""

    name: str
    """What ``region.pii`` calls it, and the funnel counts it under."""
    placeholder: str
    """What stands in its place in masked text."""
    clear: re.Pattern[str] | None = None
    """Shapes that say enough, alone or with ``is_valid``."""
    vague: re.Pattern[str] | None = None
    """Shapes that other numbers have too: taken only with one of ``words`` beside them."""
    words: re.Pattern[str] | None = None
    """Words that name the type; where two rules claim a number, the nearer word wins."""
    not_after: re.Pattern[str] | None = None
    """What, before the value, says that it is none: a word for a version before four numbers."""
    not_near: re.Pattern[str] | None = None
    """What, anywhere near, says that it is made up: ``example.com``."""
    is_valid: Callable[[str], bool]
    """Whether lengths, dates and check digits of the matched text are right."""
    may_be_thing: bool = True
    """False for values that nothing else can be; THINGS and AMOUNTS are then not asked."""


def number(*shapes: str) -> re.Pattern[str]:
    """Return a pattern for any of the shapes, with no letter, digit or decimal right beside it."""
    return re.compile(
        rf"(?<![0-9A-Za-z+])(?<![0-9][.,:-])(?:{'|'.join(shapes)})(?![0-9A-Za-z])(?![.,:-][0-9])"
    )


def words(*alternatives: str) -> re.Pattern[str]:
    """Return a pattern for any of the words, in either case, and "number" or "card" behind it."""
    return re.compile(f"(?:{'|'.join(alternatives)}){_NUMBER_WORDS}", re.IGNORECASE)


def digits_of(text: str) -> str:
    """Return the ASCII digits of a matched text, in order."""
    return "".join(character for character in text if character in "0123456789")
