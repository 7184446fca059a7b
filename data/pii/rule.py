"""One rule: the shapes a personal value is written in, the words beside it, and its check digit."""

import re
from collections.abc import Callable
from dataclasses import dataclass

THINGS = re.compile(
    r"\b(?:order|pesanan|resi|invoice|faktur|transaksi|transaction|reference|ref|kode|kodigo|kodigong|code"
    r"|seri|serial|berkas|voucher|tracking|ISBN|ISSN|IMEI|DOI|PNR|UTR|doi\.org|id produk|barcode)\b"
    r"|ऑर्डर|आर्डर|पीएनआर|यूटीआर|लेनदेन|लेन-देन|ट्रैकिंग|चालान|आवेदन|वाउचर|मीटर|आईएसबीएन|कोड|क्रमांक|पंजीकरण"
    r"|(?:\bRp|\bIDR|\bPHP|\bINR|[₹₱$€£]|रु|\bRs)\.? ?$",
    re.IGNORECASE,
)
"""Words before a number that say it is a thing's, not a person's."""

AMOUNTS = re.compile(
    r" ?(?:kali|orang|jiwa|rupiah|ton|butir|unit|beses|katao|piso|tonelada|views?|times|people|USD|%"
    r"|बार|रुपये|रुपए|लोग|लोगों|टन|वर्ग|किमी|करोड़|लाख)\b",
    re.IGNORECASE,
)
"""Words right behind a number that say it counts something."""


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
    """Return a pattern for any of the shapes where no letter, digit or decimal goes on beside it."""
    return re.compile(
        rf"(?<![0-9A-Za-z+])(?<![0-9][.,:-])(?:{'|'.join(shapes)})(?![0-9A-Za-z])(?![.,:-][0-9])"
    )


def words(*alternatives: str) -> re.Pattern[str]:
    """Return a pattern for any of the words, in either case."""
    return re.compile("|".join(alternatives), re.IGNORECASE)


def digits_of(text: str) -> str:
    """Return the ASCII digits of a matched text, in order."""
    return "".join(character for character in text if character in "0123456789")
