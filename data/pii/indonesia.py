"""Rules for Indonesia: telephone numbers, NIK (also of the family card), NPWP."""

import re
from datetime import date

from stdnum import luhn

from .rule import YEARS, Rule, digits_of, number, words

PROVINCES = frozenset(
    code
    for first, last in [
        (11, 19),
        (21, 21),
        (31, 36),
        (51, 53),
        (61, 65),
        (71, 76),
        (81, 82),
        (91, 97),
    ]
    for code in range(first, last + 1)
)
"""First two digits of a NIK: Permendagri 72/2019, and the provinces of Papua since 2022."""
_LEAP = 2000
_WOMEN = 40
"""Added to a woman's day of birth."""


def _is_phone(text: str) -> bool:
    found = digits_of(text)
    if "+" in text or found.startswith("0062"):
        return 8 <= len(found.lstrip("0").removeprefix("62").lstrip("0")) <= 12
    if len(found) in (7, 8) and found[0] != "0":
        return "-" in text and not YEARS.fullmatch(text)
    national = found.removeprefix("62").removeprefix("0")
    return 8 <= len(national) <= 12


def _is_nik(text: str) -> bool:
    found = digits_of(text)
    return (
        len(found) == 16
        and int(found[:2]) in PROVINCES
        and "00" not in (found[2:4], found[4:6])
        and found[12:] != "0000"
        and _is_date(int(found[6:8]) % _WOMEN, int(found[8:10]))
    )


def _is_date(day: int, month: int) -> bool:
    try:
        date(_LEAP, month, day)
    except ValueError:
        return False
    return True


def _is_npwp(text: str) -> bool:
    found = digits_of(text)
    if len(found) == 16 and found[0] != "0":
        return _is_nik(text)
    old = found[-15:]
    return len(found) in (15, 16) and any(c != "0" for c in old[:8]) and luhn.is_valid(old[:9])


_SIXTEEN = (
    r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
    r"[0-9]{6}([ .-])[0-9]{6}\2[0-9]{4}",
    r"[0-9]{2}([ .-])[0-9]{2}\3[0-9]{2}\3[0-9]{6}\3[0-9]{4}",
)
_MOBILE = r"8[0-9]{1,3}(?:[ .-]?[0-9]{3,5}){2}|8[0-9]{2}(?:[ .-][0-9]{2}){3,5}"
_PLUS = r"\(?\+62\)?|0062"

RULES = (
    Rule(
        name="phone_id",
        placeholder="<PHONE>",
        clear=re.compile(
            rf"(?<![0-9+])(?<![0-9][.,:-])(?:(?:{_PLUS})[ .-]{{0,2}}"
            r"(?:\(0?[0-9]{1,4}\)|0?[0-9]{1,4})(?:[ .-]{0,2}[0-9]{2,5}){1,4}"
            rf"|(?:62[ -]?|0)(?:{_MOBILE})"
            r"|0[2-9][0-9]{1,2}-[2-9][0-9]{5,7}"
            r"|\(0[2-9][0-9]{1,2}\)[ .-]?[0-9]{3,4}[ .-]?[0-9]{2,5})"
            r"(?![0-9A-Za-z])(?![.,:-][0-9])"
        ),
        vague=number(
            r"0[2-9][0-9]{1,2}[ .-]?[0-9]{3,4}[ .-]?[0-9]{2,5}",
            r"\(0[0-9]{2,3}\)[ .-]?[0-9]{3,4}[ .-]?[0-9]{2,5}",
            rf"(?:{_MOBILE})",
            r"(?<![0-9][ )])[2-9][0-9]{2,3}-[0-9]{4}",
        ),
        words=words(
            "hubung",
            r"\bte?lp",
            r"\btel\b",
            "[tn]elep",
            "ponsel",
            r"\bhp\b",
            r"\bwa\b",
            "whats",
            r"\bwa\.me/",
            r"\bsms",
            "kontak",
            "contact",
            "phone",
            r"\bcall",
            "fax",
            "faks",
            r"\binfo",
            "seluler",
            r"\bchat",
            "hotline",
            "customer service",
            "reserv",
            r"\bhape",
            "kabari",
            r"\bnomor(?: (?:saya|baru|dia|kami)|nya|ku)",
        ),
        is_valid=_is_phone,
    ),
    Rule(
        name="nik",
        placeholder="<NIK>",
        clear=number(r"[0-9]{16}", *_SIXTEEN),
        words=words(
            r"\bnik\b", r"\bktp\b", "induk kependudukan", "identitas", "kartu keluarga", r"\bkk\b"
        ),
        is_valid=_is_nik,
    ),
    Rule(
        name="npwp",
        placeholder="<NPWP>",
        clear=number(r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9][.-][0-9]{3}\.[0-9]{3}"),
        vague=number(
            r"[0-9]{15,16}",
            *_SIXTEEN,
            r"[0-9]{2}[ .-]?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9][ .-]?[0-9]{3}[ .-]?[0-9]{3}",
        ),
        words=words(r"\bnpwp", "pokok wajib pajak", "wajib pajak"),
        is_valid=_is_npwp,
    ),
)
