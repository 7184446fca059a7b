# ruff: noqa: E501
"""Makes sentences that hold one made-up personal value each: ``python tests/data/pii/make_positives.py``.

Same seed, same bytes. The sentences of templates_second.yaml and templates_third.yaml were written
after the rules and committed before these first saw them. Values come from Faker 40.54 (``pip install faker==40.54.0``; locales id_ID,
hi_IN, en_IN, en_PH, fil_PH, tl_PH and, for e-mail and IBAN, de_DE, en_GB, fr_FR and others) and from the
published formats:

- NIK: 16 digits, region code PPRRSS, date of birth DDMMYY (women: day + 40), serial; Perpres 26/2009,
  https://id.wikipedia.org/wiki/Nomor_Induk_Kependudukan
- NPWP: 15 digits 99.999.999.9-999.999 with a Luhn digit after the first eight; since 2024 16 digits, a
  NIK or 0 + the old number (PMK 112/2022), https://www.oecd.org/tax/automatic-exchange/ (Indonesia-TIN)
- Indonesian telephone plan: https://en.wikipedia.org/wiki/Telephone_numbers_in_Indonesia
- Aadhaar: 12 digits, the first 2-9, the last by Verhoeff; VID: 16 digits, likewise;
  https://uidai.gov.in/. Faker's ``aadhaar_id`` ends in a Luhn digit, so it is not used.
- PAN AAAAA9999A, fourth letter the holder's kind: https://incometaxindia.gov.in/; GSTIN: state, PAN,
  entity, Z, check character: https://www.gst.gov.in/; EPIC: three letters and seven digits with Luhn
  (https://en.wikipedia.org/wiki/Voter_ID_(India)); Indian telephone plan: TRAI, DoT NNP 2003
- PhilSys: PCN 16 and PSN 12 digits, PSA (https://philsys.gov.ph/); SSS 2-7-1, UMID CRN 4-7-1, GSIS 11,
  PhilHealth 2-9-1, Pag-IBIG 4-4-4: sources in Faker's ssn/en_PH; TIN 9 digits and a branch of 3 or 5:
  https://www.oecd.org/tax/automatic-exchange/ (Philippines-TIN); telephone plan: NTC MC 10-10-2017
- IBAN: ISO 13616, modulus 97; cards: ISO/IEC 7812, Luhn; IPv4, IPv6: RFC 791, 4291
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import yaml
from faker import Faker  # pyright: ignore[reportMissingImports]  not a dependency of ours
from stdnum import luhn, verhoeff

HERE = Path(__file__).parent
SEED = 20240917
PROVINCES = "11 12 13 14 15 16 17 18 19 21 31 32 33 34 35 36 51 52 53 61 62 63 64 65 71 72 73 74 75 76 81 82 91"
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
NUM_ROWS = {
    "id": {"phone_id": 60, "phone_id_bare": 15, "phone_id_link": 6, "nik": 35, "nik_bare": 12, "npwp": 32, "npwp_bare": 10},
    "hi": {"phone_in": 60, "phone_in_bare": 15, "phone_in_link": 6, "aadhaar": 36, "aadhaar_bare": 10, "vid": 6, "pan": 30, "gstin": 22, "epic": 22},
    "tl": {"phone_ph": 60, "phone_ph_bare": 15, "phone_ph_link": 6, "philsys": 30, "sss": 22, "tin": 30, "umid": 22, "gsis": 20, "philhealth": 22, "pagibig": 22},
}  # fmt: skip
NUM_UNIVERSAL = {"email": 22, "ip": 16, "iban": 12, "card": 16, "phone_intl": 12}
TYPES = {"vid": "aadhaar"}
"""Kinds of rows whose type is not their name; ``_bare`` and ``_link`` are cut off."""

_random = random.Random(SEED)
_faker = {
    name: Faker(name)
    for name in [
        "id_ID",
        "hi_IN",
        "en_IN",
        "en_PH",
        "fil_PH",
        "tl_PH",
        "de_DE",
        "en_GB",
        "fr_FR",
        "nl_NL",
        "it_IT",
        "es_ES",
        "en_US",
    ]
}


def digits(number: int) -> str:
    return "".join(_random.choices("0123456789", k=number))


def grouped(number: str, groups: str, separator: str) -> str:
    sizes, parts = [int(size) for size in groups], []
    for size in sizes:
        parts.append(number[:size])
        number = number[size:]
    assert not number
    return separator.join(parts)


def one(*choices: str) -> str:
    return _random.choice(choices)


def phone_id() -> str:
    mobile = (
        "8"
        + one("11", "12", "13", "21", "22", "52", "57", "78", "85", "95", "96")
        + digits(_random.choice([7, 8, 8]))
    )
    cut = mobile[:3], mobile[3:7], mobile[7:]
    area = one("21", "22", "24", "31", "61", "251", "274", "361", "411", "778")
    local = one("2", "3", "4", "5", "7", "8") + digits(6)
    return one(
        _faker["id_ID"].phone_number(), _faker["id_ID"].phone_number(),
        "0" + mobile, "+62" + mobile, "62" + mobile, "+62 " + " ".join(cut), "0" + "-".join(cut),
        "0" + " ".join(cut), "+62-" + "-".join(cut), "0" + ".".join(cut), "(+62) " + "-".join(cut),
        f"(0{area}) {local}", f"0{area}-{local}", f"+62 {area} {local}", f"(0{area}) {local[:3]}-{local[3:]}",
    )  # fmt: skip


def phone_id_bare() -> str:
    mobile = "8" + one("12", "13", "22", "57", "78", "95") + digits(8)
    cut = mobile[:3], mobile[3:7], mobile[7:]
    return one(
        "0" + mobile,
        "+62" + mobile,
        "0" + "-".join(cut),
        "0" + " ".join(cut),
        "+62 " + "-".join(cut),
    )


def birth_digits(*, women: bool) -> str:
    day = _random.randint(1, 28) + 40 * women
    return f"{day:02d}{_random.randint(1, 12):02d}{_random.randint(0, 99):02d}"


def nik_digits() -> str:
    place = f"{one(*PROVINCES.split())}{_random.randint(1, 6):02d}{_random.randint(1, 20):02d}"
    return place + birth_digits(women=_random.random() < 0.5) + f"{_random.randint(1, 60):04d}"


def nik() -> str:
    number = nik_digits()
    return one(
        number,
        number,
        number,
        grouped(number, "4444", " "),
        grouped(number, "664", " "),
        grouped(number, "22264", "."),
        grouped(number, "4444", "-"),
    )


def npwp_digits() -> str:
    body = "0" * (_random.random() < 0.5) + digits(8)
    body = body[:8]
    return (
        body
        + luhn.calc_check_digit(body)
        + f"{_random.randint(1, 999):03d}"
        + one("000", "000", "001")
    )


def npwp() -> str:
    old = npwp_digits()
    usual = f"{old[:2]}.{old[2:5]}.{old[5:8]}.{old[8]}-{old[9:12]}.{old[12:]}"
    return one(usual, usual, old, "0" + old, usual.replace("-", "."), nik_digits())


def npwp_bare() -> str:
    old = npwp_digits()
    return f"{old[:2]}.{old[2:5]}.{old[5:8]}.{old[8]}-{old[9:12]}.{old[12:]}"


def in_devanagari(value: str, *, share: float = 0.2) -> str:
    return value.translate(DEVANAGARI) if _random.random() < share else value


def phone_in() -> str:
    mobile = one("6", "7", "8", "9") + digits(9)
    area, local = _random.choice(
        [
            ("11", "2" + digits(7)),
            ("22", "2" + digits(7)),
            ("522", "2" + digits(6)),
            ("755", "4" + digits(6)),
            ("5842", "2" + digits(5)),
        ]
    )
    return in_devanagari(one(
        _faker["hi_IN"].phone_number(), _faker["en_IN"].phone_number(),
        mobile, grouped(mobile, "55", " "), grouped(mobile, "55", "-"), grouped(mobile, "334", " "), grouped(mobile, "433", " "),
        "+91" + mobile, "+91 " + grouped(mobile, "55", " "), "+91-" + mobile, "0" + mobile, "91" + mobile,
        "+91-" + grouped(mobile, "55", "-"), "(+91) " + mobile, "0091 " + mobile,
        f"0{area}-{local}", f"(0{area}) {local}", f"+91 {area} {local}", f"+91-{area}-{local}",
    ))  # fmt: skip


def phone_in_bare() -> str:
    mobile = one("6", "7", "8", "9") + digits(9)
    return in_devanagari(
        one(
            "+91 " + grouped(mobile, "55", " "),
            "+91" + mobile,
            "+91-" + mobile,
            grouped(mobile, "55", " "),
            mobile,
        )
    )


def aadhaar_digits() -> str:
    body = one(*"23456789") + digits(10)
    return body + verhoeff.calc_check_digit(body)


def aadhaar() -> str:
    number = aadhaar_digits()
    return in_devanagari(
        one(
            grouped(number, "444", " "),
            grouped(number, "444", " "),
            grouped(number, "444", "-"),
            number,
        )
    )


def vid() -> str:
    body = one(*"23456789") + digits(14)
    number = body + verhoeff.calc_check_digit(body)
    return one(number, grouped(number, "4444", " "))


def epic() -> str:
    serial = digits(6)
    return (
        "".join(_random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))
        + serial
        + luhn.calc_check_digit(serial)
    )


def phone_ph() -> str:
    mobile = "9" + one("05", "17", "18", "20", "27", "39", "45", "56", "66", "75", "98") + digits(7)
    cut = mobile[:3], mobile[3:6], mobile[6:]
    metro, area = one("7", "8") + digits(7), one("32", "33", "45", "46", "49", "82", "88")
    local = one("2", "3", "4", "5") + digits(6)
    fake = _faker[one("en_PH", "fil_PH", "tl_PH")]
    return one(
        fake.mobile_number(), fake.mobile_number(), fake.landline_number(), fake.landline_number(),
        "0" + mobile, "0" + " ".join(cut), "0" + "-".join(cut), "+63" + mobile, "+63 " + " ".join(cut),
        "63" + mobile, "+63-" + "-".join(cut), "(+63) " + " ".join(cut), "0" + mobile[:3] + "." + ".".join(cut[1:]), "0" + mobile[:3] + "-" + mobile[3:],
        f"(02) {metro[:4]}-{metro[4:]}", f"(02) {metro[:4]} {metro[4:]}", f"+63 2 {metro[:4]} {metro[4:]}", f"({'0' + area}) {local[:3]}-{local[3:]}", f"0{area}-{local}",
    )  # fmt: skip


def phone_ph_bare() -> str:
    mobile = "9" + one("05", "17", "18", "27", "39", "66") + digits(7)
    cut = mobile[:3], mobile[3:6], mobile[6:]
    return one(
        "0" + mobile,
        "0" + " ".join(cut),
        "0" + "-".join(cut),
        "+63" + mobile,
        "+63 " + " ".join(cut),
    )


def philsys() -> str:
    card, number = digits(16), digits(12)
    return one(
        grouped(card, "4444", "-"),
        grouped(card, "4444", " "),
        card,
        grouped(number, "444", "-"),
        number,
    )


def sss() -> str:
    number = _faker["en_PH"].sss()
    return one(number, number, number.replace("-", ""), number.replace("-", " "))


def tin() -> str:
    number = one("1", "2", "3", "4", "9") + digits(8)
    short = grouped(number, "333", "-")
    return one(
        short,
        short + "-000",
        f"{short}-00{digits(3)}",
        number,
        number + "000",
        grouped(number, "333", " ") + " 000",
    )


def umid() -> str:
    number = _faker["fil_PH"].umid()
    return one(number, number, number.replace("-", ""), number.replace("-", " "))


def philhealth() -> str:
    number = _faker["tl_PH"].philhealth()
    return one(number, number, number.replace("-", ""))


def pagibig() -> str:
    number = _faker["en_PH"].pagibig()
    return one(number, number, number.replace("-", ""), number.replace("-", " "))


def email() -> str:
    fake = _faker[one("id_ID", "en_IN", "en_PH", "de_DE", "en_US")]
    user = fake.user_name()
    return one(
        f"{user}@gmail.com", f"{user}@yahoo.co.id", f"{user}{digits(2)}@rediffmail.com", f"{user}@up.edu.ph",
        f"{user.title()}.{digits(3)}@Outlook.com", f"{user}+milis@protonmail.com", f"{user}@mail.{fake.domain_word()}.co.in",
        f"{user} (at) gmail.com", f"{user}[at]yahoo[dot]com", f"{user} [at] ui.ac.id",
    )  # fmt: skip


def ip() -> str:
    return one(_faker["en_US"].ipv4_public(), _faker["en_US"].ipv4_public(), ipv6())


def ipv6() -> str:
    groups = [
        f"2{_random.randrange(0x400, 0xA10):03x}",
        *(f"{_random.randrange(1, 65536):x}" for _ in range(7)),
    ]
    return one(
        ":".join(groups), ":".join(groups[:4]) + "::" + groups[7], ":".join(groups[:3]) + "::1"
    )


def iban() -> str:
    number = _faker[one("de_DE", "en_GB", "fr_FR", "nl_NL", "it_IT", "es_ES")].iban()
    return one(number, " ".join(number[at : at + 4] for at in range(0, len(number), 4)))


def card() -> str:
    prefix, length, groups = _random.choice(
        [
            ("4", 16, "4444"),
            ("51", 16, "4444"),
            ("55", 16, "4444"),
            ("2221", 16, "4444"),
            ("37", 15, "465"),
            ("6011", 16, "4444"),
            ("6521", 16, "4444"),
            ("3528", 16, "4444"),
        ]
    )
    body = prefix + digits(length - 1 - len(prefix))
    number = body + luhn.calc_check_digit(body)
    return one(number, grouped(number, groups, " "), grouped(number, groups, "-"))


def phone_intl() -> str:
    return one(
        f"+65 {one('6', '8', '9')}{digits(3)} {digits(4)}", f"+1 ({one('212', '415', '713')}) 555-{digits(4)}", f"+1-{one('646', '808')}-{digits(3)}-{digits(4)}",
        f"+49 30 {digits(7)}", f"+44 20 7{digits(3)} {digits(4)}", f"+971 50 {digits(3)} {digits(4)}", f"+852 {one('2', '9')}{digits(3)} {digits(4)}",
        f"+60 12-{digits(3)} {digits(4)}", f"+8190{digits(8)}", f"+9665{digits(8)}",
    )  # fmt: skip


MAKERS: dict[str, Callable[[], str]] = {
    "phone_id": phone_id, "phone_id_bare": phone_id_bare, "phone_id_link": lambda: "628" + one("12", "57", "95") + digits(8),
    "nik": nik, "nik_bare": lambda: one(nik_digits(), nik_digits()), "npwp": npwp, "npwp_bare": npwp_bare,
    "phone_in": phone_in, "phone_in_bare": phone_in_bare, "phone_in_link": lambda: "91" + one("6", "7", "8", "9") + digits(9),
    "aadhaar": aadhaar, "aadhaar_bare": lambda: in_devanagari(grouped(aadhaar_digits(), "444", " ")), "vid": vid,
    "pan": lambda: _faker["en_IN"].pan(), "gstin": lambda: _faker["en_IN"].gstin(), "epic": epic,
    "phone_ph": phone_ph, "phone_ph_bare": phone_ph_bare, "phone_ph_link": lambda: "639" + one("17", "18", "66") + digits(7),
    "philsys": philsys, "sss": sss, "tin": tin, "umid": umid, "gsis": lambda: _faker["en_PH"].gsis(),
    "philhealth": philhealth, "pagibig": pagibig,
    "email": email, "ip": ip, "iban": iban, "card": card, "phone_intl": phone_intl,
}  # fmt: skip


def row(lang: str, kind: str, template: str) -> dict[str, str | int]:
    value = MAKERS[kind]()
    start = template.index("{v}")
    name = TYPES.get(kind, kind).removesuffix("_bare").removesuffix("_link")
    text = template.replace("{v}", value)
    return {"lang": lang, "type": name, "start": start, "end": start + len(value), "text": text}


def write_rows(templates_file: str, name: str, *, seed: int) -> None:
    _random.seed(seed)
    Faker.seed(seed)
    templates = yaml.safe_load((HERE / templates_file).read_text("utf-8"))
    files: dict[str, list[dict[str, str | int]]] = {}
    for lang, kinds in NUM_ROWS.items():
        files[lang] = [
            row(lang, kind, templates[lang][kind][at % len(templates[lang][kind])])
            for kind, number in kinds.items()
            for at in range(number)
        ]
    files["universal"] = [
        row(lang, kind, choices[at % len(choices)])
        for lang in NUM_ROWS
        for kind, number in NUM_UNIVERSAL.items()
        for choices in [templates["universal"][kind][lang]]
        for at in range(number)
    ]
    for part, rows in files.items():
        lines = (json.dumps(one_row, ensure_ascii=False) for one_row in rows)
        (HERE / f"{name}_{part}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    write_rows("templates.yaml", "positives", seed=SEED)
    write_rows("templates_second.yaml", "second", seed=SEED + 1)
    write_rows("templates_third.yaml", "third", seed=SEED + 2)


if __name__ == "__main__":
    main()
