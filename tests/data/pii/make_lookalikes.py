# ruff: noqa: E501
"""Makes sentences full of numbers that are nobody's: ``python tests/data/pii/make_lookalikes.py``.

Same seed, same bytes. Dates, prices, ISBN with the right check digit, order and invoice numbers, ranges
of years, versions, verses, coordinates, counters, time stamps, private and documentation addresses, and
numbers of a person's shape whose check digit is wrong. Sentences and values are made up here (CC0).
"""

import json
import random
from pathlib import Path

import yaml
from stdnum import ean, luhn, verhoeff
from stdnum.in_ import gstin
from stdnum.iso7064 import mod_97_10

HERE = Path(__file__).parent
SEED = 20240918
NUM_ROWS = 5
"""Rows of each template."""
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")

_random = random.Random(SEED)


def digits(number: int) -> str:
    return "".join(_random.choices("0123456789", k=number))


def whole(low: int, high: int) -> int:
    return _random.randint(low, high)


def one(*choices: str) -> str:
    return _random.choice(choices)


def date() -> str:
    day, month, year = whole(1, 28), whole(1, 12), whole(1945, 2024)
    return one(
        f"{day:02d}-{month:02d}-{year}",
        f"{day}/{month}/{year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day:02d}.{month:02d}.{year}",
        f"{day:02d}/{month:02d}/{year} {whole(0, 23):02d}:{whole(0, 59):02d}:{whole(0, 59):02d}",
        f"{year}-{month:02d}-{day:02d}T{whole(0, 23):02d}:{whole(0, 59):02d}:{whole(0, 59):02d}",
    )


def price() -> str:
    number = whole(10**5, 10**10)
    dotted = f"{number:,}".replace(",", ".")
    return one(dotted, f"{dotted},00", f"{number:,}", f"{number:,}.00")


def indian_price() -> str:
    rest, last = divmod(whole(10**6, 10**10), 1000)
    parts = []
    while rest:
        rest, part = divmod(rest, 100)
        parts.insert(0, f"{part:02d}")
    return ",".join(parts).lstrip("0") + f",{last:03d}"


def isbn() -> str:
    group = one("602", "979", "81", "971", "93")
    body = ("978" + group + digits(9))[:12]
    number = body + ean.calc_check_digit(body)
    cut = f"978-{group}-{number[3 + len(group) : 8]}-{number[8:12]}-{number[12]}"
    return one(number, cut, cut.replace("-", " "))


def isbn10() -> str:
    body = one("602", "81", "971") + digits(9)
    body = body[:9]
    check = sum((10 - at) * int(digit) for at, digit in enumerate(body)) % 11
    return body + ("X" if 11 - check == 10 else str((11 - check) % 11))


def bare(low: int, high: int) -> str:
    return one(*"123456789") + digits(whole(low, high) - 1)


def wrong_card() -> str:
    body = "4" + digits(14)
    number = body + str((int(luhn.calc_check_digit(body)) + whole(1, 9)) % 10)
    return " ".join(number[at : at + 4] for at in range(0, 16, 4))


def wrong_aadhaar() -> str:
    body = one(*"2345678") + digits(10)
    number = body + str((int(verhoeff.calc_check_digit(body)) + whole(1, 9)) % 10)
    return " ".join(number[at : at + 4] for at in range(0, 12, 4))


def wrong_iban() -> str:
    body = "3704004405320130" + digits(2)
    check = int(mod_97_10.calc_check_digits(body + "DE"))
    return f"DE{(check + 7) % 97:02d}{body}"


def wrong_gstin() -> str:
    body = "27AAPFU" + digits(4) + "F1Z"
    letter = next(letter for letter in "ABCDEFGHJK" if not gstin.is_valid(body + letter))
    return body + letter


def wrong_pan() -> str:
    return (
        "".join(_random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))
        + one(*"DEIKMN")
        + one(*"ABCXYZ")
        + digits(4)
        + one(*"ABCXYZ")
    )


def wrong_nik() -> str:
    return (
        one("3273", "1171", "5171")
        + f"{whole(1, 20):02d}"
        + f"{one('32', '35', '00', '75')}{whole(13, 99)}{digits(2)}"
        + digits(4)
    )


VALUES = {
    "date": date, "price": price, "indian_price": indian_price, "isbn": isbn, "isbn10": isbn10,
    "order10": lambda: bare(10, 10), "order12": lambda: bare(12, 12), "order16": lambda: bare(16, 16),
    "order": lambda: bare(9, 18), "years": lambda: f"{(year := whole(1900, 1990))}{one('-', '–', ' - ')}{year + whole(1, 30)}",
    "version": lambda: f"{whole(0, 30)}.{whole(0, 30)}.{whole(0, 20)}.{whole(0, 20)}",
    "browser": lambda: f"{whole(80, 130)}.0.{whole(3000, 6000)}.{whole(10, 250)}",
    "verse": lambda: f"{whole(1, 114)}:{(verse := whole(1, 150))}-{verse + whole(1, 20)}; {whole(1, 60)}:{whole(1, 50)}",
    "coordinates": lambda: f"{whole(-10, 28)}.{digits(6)}, {whole(70, 127)}.{digits(6)}",
    "degrees": lambda: f"{whole(0, 28)}°{whole(0, 59):02d}'{whole(0, 59):02d}\" {whole(70, 127)}°{whole(0, 59):02d}'{whole(0, 59):02d}\"",
    "counter": lambda: one(f"{whole(10**6, 10**10):,}", f"{whole(10**6, 10**10):,}".replace(",", "."), f"{whole(10**6, 10**8)}", f"{whole(1, 99)} {digits(3)} {digits(3)}"),
    "invoice": lambda: f"INV/{whole(2015, 2024)}{whole(1, 12):02d}{whole(1, 28):02d}/{digits(6)}",
    "stamp": lambda: f"{whole(2010, 2024)}{whole(1, 12):02d}{whole(1, 28):02d}{whole(0, 23):02d}{whole(0, 59):02d}{one('', f'{whole(0, 59):02d}')}",
    "private_ip": lambda: one(f"192.168.{whole(0, 255)}.{whole(1, 254)}", "127.0.0.1", f"10.{whole(0, 255)}.{whole(0, 255)}.{whole(1, 254)}", "0.0.0.0", f"203.0.113.{whole(1, 254)}", "2001:db8::1", "fe80::1", "255.255.255.0"),
    "example_mail": lambda: one("nama@example.com", "user@example.org", "admin@localhost", "root@server.local", "anda@contoh.com", "test@mail.example"),
    "handle": lambda: one("@budi.santoso", "@official_tv", "ikon@2x.png", "foto@3x.jpg", "C++@work"),
    "decimal": lambda: f"{whole(0, 9)}{one('.', ',')}{digits(16)}",
    "scores": lambda: ", ".join(f"{whole(0, 25)}-{whole(0, 25)}" for _ in range(5)),
    "years_list": lambda: ", ".join(str(whole(1950, 2024)) for _ in range(4)),
    "row": lambda: " ".join(str(whole(10, 9999)) for _ in range(7)),
    "law": lambda: f"{whole(1, 40)} Tahun {whole(1950, 2024)}",
    "clock": lambda: f"{whole(0, 23):02d}:{whole(0, 59):02d}:{whole(0, 59):02d}:{whole(0, 59):02d}",
    "wrong_card": wrong_card, "wrong_aadhaar": wrong_aadhaar, "wrong_iban": wrong_iban,
    "wrong_gstin": wrong_gstin, "wrong_pan": wrong_pan, "wrong_nik": wrong_nik,
}  # fmt: skip


def main() -> None:
    sentences = yaml.safe_load((HERE / "lookalikes.yaml").read_text("utf-8"))
    for lang, kinds in sentences.items():
        lines = []
        for kind, templates in kinds.items():
            for template in templates:
                for at in range(NUM_ROWS):
                    value = VALUES[kind]()
                    if lang == "hi" and at == 1 and value.isascii():
                        value = value.translate(DEVANAGARI)
                    text = template.replace("{v}", value)
                    lines.append(
                        json.dumps({"lang": lang, "kind": kind, "text": text}, ensure_ascii=False)
                    )
        (HERE / f"lookalikes_{lang}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
