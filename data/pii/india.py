"""Rules for India: telephone, Aadhaar and its virtual id, PAN, GSTIN, voter's card (EPIC)."""

import re

from stdnum import luhn, verhoeff
from stdnum.in_ import epic, pan

from .rule import Rule, digits_of, number, words


def _is_phone(text: str) -> bool:
    found = digits_of(text)
    if "+" in text or found.startswith("0091"):
        national = found.lstrip("0").removeprefix("91")
        return len(national) == 10 or (len(national) == 11 and national[0] == "0")
    if found.startswith("0"):
        return len(found) == 11
    return len(found) == 10 or (len(found) == 12 and found[:2] == "91" and found[2] in "6789")


def _is_aadhaar(text: str) -> bool:
    found = digits_of(text)
    return len(found) in (12, 16) and found[0] in "23456789" and verhoeff.is_valid(found)


def _is_gstin(text: str) -> bool:
    state = int(text[:2])
    return (1 <= state <= 38 or state in (97, 99)) and luhn.is_valid(text, _BASE_36)


_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLUS = r"\(?\+91\)?|0091"

RULES = (
    Rule(
        name="phone_in",
        placeholder="<PHONE>",
        clear=re.compile(
            rf"(?<![0-9+])(?<![0-9][.,:-])(?:(?:{_PLUS})[ .-]{{0,2}}"
            r"(?:\(0?[0-9]{2,5}\)|0?[0-9]{2,10})(?:[ .-]{0,2}[0-9]{2,8}){0,4}"
            r"|91[ -]?[6-9][0-9]{4}[ -]?[0-9]{5}|0?[6-9][0-9]{4}[ -]?[0-9]{5}|0[1-9][0-9]{9}"
            r"|0[1-9][0-9]{1,3}[ -][0-9]{6,8}|\(0[1-9][0-9]{1,3}\)[ -]?[0-9]{3,4}[ -]?[0-9]{3,4})"
            r"(?![0-9A-Za-z])(?![.,:-][0-9])"
        ),
        vague=number(
            r"[0-9]{10,11}",
            r"[0-9]{3}([ .-])[0-9]{3}\1[0-9]{4}",
            r"[0-9]{4}([ .-])[0-9]{3}\2[0-9]{3}",
            r"0[0-9]{2,4}[ -][0-9]{3,8}(?:[ -][0-9]{3,4})?",
            r"\(0[0-9]{2,4}\)[ -]?[0-9]{6,8}",
        ),
        words=words(
            "स[ंम]्?पर्क",
            "मोबा[इई]ल",
            r"फ[़]?ोन",
            "फ़ोन",
            "दूरभाष",
            "कॉल",
            "टे[ली]+[िी]?फ[़]?",
            "व्हाट्?स",
            "वॉट्सऐप",
            r"मो\.",
            "मैसेज",
            "संदेश",
            "हेल्पलाइन",
            "न[ंम]्?बर",
            "पूछताछ",
            "डायल",
            "फ[ैे]क्स",
            "contact",
            "phone",
            r"\bmob",
            r"\bcall",
            "whats",
            r"\bwa\.me/",
            r"\btel\b",
            r"\bsms",
            r"\bfax",
        ),
        is_valid=_is_phone,
    ),
    Rule(
        name="aadhaar",
        placeholder="<AADHAAR>",
        clear=number(r"(?<![0-9][ -])[2-9][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}(?![ -][0-9])"),
        vague=number(
            r"[2-9][0-9]{11}", r"[2-9][0-9]{15}", r"[2-9][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}"
        ),
        words=words("आधार", "aa?dhaa?r", r"\buid", "यूआ[ईइ]डी", r"\bvid\b", "वर्चुअल आ[ईइ]डी"),
        is_valid=_is_aadhaar,
    ),
    Rule(
        name="pan",
        placeholder="<PAN>",
        clear=number(r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]"),
        words=words("पैन", r"\bpan\b", "स्थायी खाता संख्या", "स्थायी लेखा संख्या"),
        is_valid=pan.is_valid,
        may_be_thing=False,
    ),
    Rule(
        name="gstin",
        placeholder="<GSTIN>",
        clear=number(r"[0-9]{2}[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]"),
        words=words(r"\bgst", "जीएसटी"),
        is_valid=_is_gstin,
    ),
    Rule(
        name="epic",
        placeholder="<EPIC>",
        vague=number(r"[A-Z]{3}[0-9]{7}"),
        words=words("मतदाता", "निर्वाचक", "वोटर", r"\bepic\b", r"\bvoter", "इपिक", "ईपिक"),
        is_valid=epic.is_valid,
    ),
)
