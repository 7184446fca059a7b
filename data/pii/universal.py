"""Rules for every region: e-mail, IP address, IBAN, payment card, telephone number with ``+``."""

import ipaddress
import re

from stdnum import iban, luhn

from .rule import Rule, digits_of, number, words

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = r"(?<![A-Za-z0-9._%+@-])[A-Za-z0-9_](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?"
_AT = r"(?:@| ?[(\[{] ?(?:at|AT|@) ?[)\]}] ?)"
_DOT = r"(?:\.| ?[(\[{] ?(?:dot|DOT|titik) ?[)\]}] ?)"
_EMAIL = re.compile(rf"{_LOCAL}{_AT}{_LABEL}(?:{_DOT}{_LABEL})+(?![A-Za-z0-9@])")
_SAMPLE_LABELS = frozenset(
    {
        "example",
        "contoh",
        "halimbawa",
        "domain",
        "yourdomain",
        "mydomain",
        "domainanda",
        "host",
        "hostname",
        "namahost",
        "remotehost",
        "provider",
        "myprovider",
        "company",
        "perusahaan",
        "something",
    }
)
"""Parts of a host name that stand for any; RFC 2606 reserves only the first and those below."""
_SAMPLE_ENDS = frozenset({"example", "test", "invalid", "localhost", "local", "lan", "dom", "ext"})
_SAMPLE_USERS = frozenset(
    {"username", "yourname", "namapengguna", "namaanda", "my.name", "first.last"}
)
_SAMPLES_NEAR = re.compile(r"\b(?:example|contoh)\.(?:com|org|net)\b|\bhost(?:name)?\.dom\b")
"""Who writes these, writes examples around them."""
_FILE_ENDS = re.compile(r"png|jpe?g|gif|svg|webp|css|js|html?|php|py|txt|pdf")
_SERVICE_USERS = frozenset({"git", "noreply", "no-reply"})

_IPV6 = r"[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}"
_IP = re.compile(
    rf"(?<![0-9A-Za-z_.])(?<![0-9A-Fa-f:]:)(?:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|{_IPV6}(?!:))"
    r"(?![0-9A-Za-z_])(?!\.[0-9])"
)
_VERSION = re.compile(
    r"(?:versi|version|ver|bersyon|rilis|release|संस्करण|\bv)\.? ?$|[A-Za-z]/$|[A-Za-z]-$",
    re.IGNORECASE,
)
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
_SMALL = 32
"""Four parts that are all smaller are taken for a version or a section: one address in 4,000."""

_CARD_LENGTHS = {
    **dict.fromkeys(map(str, (*range(22, 28), 35, *range(50, 56), 60, 64, 65, 81, 82)), (16,)),
    **dict.fromkeys([f"4{digit}" for digit in range(10)], (13, 16, 19)),
    **{"34": (15,), "37": (15,), "30": (14,), "36": (14,), "38": (14,), "62": (16, 19)},
}
"""Digits by first digits of the issuer (ISO/IEC 7812; RuPay: 60, 65, 81, 82)."""
_SAMPLE_CARDS = frozenset(
    {
        "4111111111111111",
        "4242424242424242",
        "5555555555554444",
        "378282246310005",
        "4000000000000002",
    }
)


def _is_email(text: str) -> bool:
    plain = re.sub(r" ?[(\[{] ?(?:at|AT|@) ?[)\]}] ?", "@", text)
    plain = re.sub(r" ?[(\[{] ?(?:dot|DOT|titik) ?[)\]}] ?", ".", plain).lower()
    user, host = plain.split("@", 1)
    end = host.rsplit(".", 1)[-1]
    return (
        end.isalpha()
        and len(end) > 1
        and not _FILE_ENDS.fullmatch(end)
        and user not in _SERVICE_USERS
        and end not in _SAMPLE_ENDS
        and user not in _SAMPLE_USERS
        and _SAMPLE_LABELS.isdisjoint(host.split("."))
    )


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 4 and all(int(part) < _SMALL for part in text.split(".")):
        return False
    return address.is_global and not address.is_multicast and text not in _RESOLVERS


def _is_iban(text: str) -> bool:
    return iban.is_valid(text)


def _is_card(text: str) -> bool:
    found = digits_of(text)
    return (
        len(found) in _CARD_LENGTHS.get(found[:2], ())
        and found not in _SAMPLE_CARDS
        and luhn.is_valid(found)
    )


def _is_phone(text: str) -> bool:
    return 9 <= len(digits_of(text)) <= 15


RULES = (
    Rule(
        name="email",
        placeholder="<EMAIL>",
        clear=_EMAIL,
        not_near=_SAMPLES_NEAR,
        is_valid=_is_email,
        may_be_thing=False,
    ),
    Rule(
        name="ip",
        placeholder="<IP>",
        clear=_IP,
        not_after=_VERSION,
        not_near=_SAMPLES_NEAR,
        is_valid=_is_ip,
        may_be_thing=False,
    ),
    Rule(
        name="iban",
        placeholder="<IBAN>",
        clear=number(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"),
        words=words("iban", "आईबीएएन"),
        is_valid=_is_iban,
        may_be_thing=False,
    ),
    Rule(
        name="card",
        placeholder="<CARD>",
        clear=number(
            r"[0-9]{13,19}",
            r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?",
            r"[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}",
        ),
        words=words(r"\bkartu", r"\bcard", "visa", "mastercard", "कार्ड", r"\bdebit", r"\bkredit"),
        is_valid=_is_card,
    ),
    Rule(
        name="phone_intl",
        placeholder="<PHONE>",
        clear=re.compile(
            r"(?<![0-9A-Za-z+])\+[1-9][0-9]{0,2}[ -]{0,2}(?:\(0?[0-9]{1,4}\)[ -]?)?"
            r"[0-9]{1,11}(?:[ -][0-9]{2,8}){0,4}(?![0-9A-Za-z])"
        ),
        is_valid=_is_phone,
    ),
)
