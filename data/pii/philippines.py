"""Rules for the Philippines: telephone, PhilSys, SSS, TIN, UMID, GSIS, PhilHealth, Pag-IBIG.

None of these numbers has a published check digit: plain digits count only beside a word that
names them.
"""

import re
from collections.abc import Callable

from .rule import YEARS, Rule, digits_of, number, words


def _is_phone(text: str) -> bool:
    found = digits_of(text)
    if "+" in text or found.startswith("0063"):
        return 8 <= len(found.lstrip("0").removeprefix("63").removeprefix("0")) <= 10
    if len(found) in (7, 8) and found[0] != "0":
        return "-" in text and not YEARS.fullmatch(text)
    if found.startswith("0"):
        return 9 <= len(found) <= 11
    return len(found) == 12 if found.startswith("63") else len(found) == 10


def _has_digits(*lengths: int) -> Callable[[str], bool]:
    return lambda text: len(digits_of(text)) in lengths


_MOBILE = r"(?:9[0-9]{2}|81[37])[ .-]?[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{2}"
_FOURS = r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}"

RULES = (
    Rule(
        name="phone_ph",
        placeholder="<PHONE>",
        clear=re.compile(
            r"(?<![0-9+])(?<![0-9][.,:-])(?:(?:\(?\+63\)?|0063)[ .-]{0,2}"
            r"(?:\(0?[0-9]{1,3}\)|0?[0-9]{1,4})(?:[ .-]{0,2}[0-9]{3,7}){1,3}"
            rf"|(?:63[ -]?|0)(?:{_MOBILE})|02[ -][3-8][0-9]{{3}}[ -][0-9]{{4}}"
            r"|0[3-8][0-9]-[2-9][0-9]{2}-?[0-9]{4}|\(0[2-8][0-9]?\)[ .-]?[0-9]{3,4}[ .-]?[0-9]{4})"
            r"(?![0-9A-Za-z])(?![.,:-][0-9])"
        ),
        vague=number(
            r"0[2-8][0-9]?[ .-]?[0-9]{3,4}[ .-]?[0-9]{4}",
            _MOBILE,
            r"(?<![0-9][ )])[2-9][0-9]{2,3}-[0-9]{4}",
        ),
        words=words(
            r"\bt[au]\w*wag",
            r"\btext",
            "cellphone",
            r"\bcell?\b",
            r"\bcp\b",
            "mobile",
            r"\btel\b",
            "telepono",
            "telephone",
            "landline",
            "makipag-ugnayan",
            "kontak",
            "viber",
            "whats",
            r"\bwa\.me/",
            "gcash",
            "hotline",
            "phone",
            r"\bfax",
            "contact",
            r"\bcall",
            "reserba",
            r"\bload\b",
            r"\bcel\b",
            r"(?:kong|bagong?|new) number",
            r"number (?:ko|mo|niya|nila|namin)",
            r"sa numero",
        ),
        is_valid=_is_phone,
    ),
    Rule(
        name="philsys",
        placeholder="<PHILSYS>",
        vague=number(r"[0-9]{12}", r"[0-9]{16}", _FOURS + r"(?:\1[0-9]{4})?"),
        words=words(
            r"philsys",
            r"phil-?id\b",
            r"philippine id",
            r"national id",
            "pambansang id",
            r"\bpcn\b",
            r"\bpsn\b",
        ),
        is_valid=_has_digits(12, 16),
    ),
    Rule(
        name="sss",
        placeholder="<SSS>",
        clear=number(r"[0-9]{2}-[0-9]{7}-[0-9]"),
        vague=number(r"[0-9]{10}", r"[0-9]{2} [0-9]{7} [0-9]"),
        words=words(r"\bs\.?s\.?s\b", "social security"),
        is_valid=_has_digits(10),
    ),
    Rule(
        name="tin",
        placeholder="<TIN>",
        vague=number(r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{3}(?:\1[0-9]{3}(?:[0-9]{2})?)?"),
        words=words(r"\bt\.?i\.?n\b\.?", "taxpayer identification", r"\bbir\b"),
        is_valid=_has_digits(9, 12, 14),
    ),
    Rule(
        name="umid",
        placeholder="<UMID>",
        clear=number(r"[0-9]{4}-[0-9]{7}-[0-9]"),
        vague=number(r"[0-9]{12}", r"[0-9]{4} [0-9]{7} [0-9]"),
        words=words(r"\bumid\b", r"\bcrn\b", "common reference number"),
        is_valid=_has_digits(12),
    ),
    Rule(
        name="gsis",
        placeholder="<GSIS>",
        vague=number(r"[0-9]{10,11}"),
        words=words(r"\bgsis\b"),
        is_valid=_has_digits(10, 11),
    ),
    Rule(
        name="philhealth",
        placeholder="<PHILHEALTH>",
        clear=number(r"[0-9]{2}-[0-9]{9}-[0-9]"),
        vague=number(r"[0-9]{12}", r"[0-9]{2} [0-9]{9} [0-9]"),
        words=words(r"phil-?health"),
        is_valid=_has_digits(12),
    ),
    Rule(
        name="pagibig",
        placeholder="<PAGIBIG>",
        vague=number(r"[0-9]{12}", _FOURS),
        words=words(r"pag-?ibig", r"\bhdmf\b"),
        is_valid=_has_digits(12),
    ),
)
