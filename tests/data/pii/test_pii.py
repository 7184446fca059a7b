import json
import time
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.pii.find import find_pii
from lokal.data.pii.mask import mask
from lokal.data.pii.registry import known_rules, rules_named
from lokal.data.region import load_region

HERE = Path(__file__).parent
MIN_RECALL = 0.98


def rows_of(name: str) -> list[dict[str, str | int]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def masked(text: str, code: str) -> str:
    return mask(text, find_pii(text, rules_named(load_region(code).pii, region=code)))


@pytest.mark.parametrize("code", ["id", "hi", "tl"])
@pytest.mark.parametrize("name", ["positives", "second", "third"])
def test_finds_the_made_up_values(code: str, name: str) -> None:
    rules = rules_named(load_region(code).pii, region=code)
    rows = rows_of(f"{name}_{code}")
    rows += [row for row in rows_of(f"{name}_universal") if row["lang"] == code]
    missed = []
    for row in rows:
        text, start, end = str(row["text"]), int(row["start"]), int(row["end"])
        hits = find_pii(text, rules)
        right = [hit for hit in hits if hit.rule.name == row["type"]]
        value = text[start:end].strip("()+ ")
        if not any(text[hit.start : hit.end].strip("()+ ") == value for hit in right):
            missed.append(text)
    assert len(missed) <= (1 - MIN_RECALL) * len(rows), missed


@pytest.mark.parametrize("code", ["id", "hi", "tl"])
def test_leaves_the_look_alikes(code: str) -> None:
    found = [
        row["text"]
        for row in rows_of(f"lookalikes_{code}")
        if masked(str(row["text"]), code) != row["text"]
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("id", "Hubungi 0812-3456-7890 atau a.b@gmail.com!", "Hubungi <PHONE> atau <EMAIL>!"),
        ("id", "KTP 3273014507900002, NPWP 01.312.166.0-091.000", "KTP <NIK>, NPWP <NPWP>"),
        ("hi", "ज़रूरी: फ़ोन ९८७६५ ४३२१०, पैन ABCPK1234L", "ज़रूरी: फ़ोन <PHONE>, पैन <PAN>"),
        ("hi", "क्\u200dष का आधार 2341 2341 2346 है", "क्\u200dष का आधार <AADHAAR> है"),
        ("tl", "Mag-text sa 0917 123 4567; SSS 34-1234567-8", "Mag-text sa <PHONE>; SSS <SSS>"),
        (
            "tl",
            "TIN 123-456-789-000 ni Niño, UMID 0111-1234567-8",
            "TIN <TIN> ni Niño, UMID <UMID>",
        ),
        ("tl", "Nag-login mula sa 180.190.12.77:8080.", "Nag-login mula sa <IP>:8080."),
        ("en", "Call +84 912 345 678 now", "Call <PHONE> now"),  # a region without rules of its own
    ],
)
def test_puts_the_type_where_the_value_stood(code: str, text: str, expected: str) -> None:
    assert masked(text, code) == expected


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com, cc b@other.fr",
        "user@host.dom",
        "git@github.com:lokal/lokal.git",
        "ikon@2x.png",
        "127.0.0.1 192.168.1.20 10.0.0.1 2001:db8::1 8.8.8.8",
        "versi 101.2.31.4, Chrome/119.0.6045.105",
        "std::vector APT::Periodic::Unattended-Upgrade 12:30:45",
        "4111 1111 1111 1111",
    ],
)
def test_keeps_examples_and_what_serves_everybody(text: str) -> None:
    assert masked(text, "id") == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("hi", "क्रमांक 2341 2341 2347"),  # Verhoeff
        ("hi", "राशि 5105 1051 0510 5101"),  # Luhn
        ("id", "DE88370400440532013000"),  # modulus 97
        ("id", "3273013213900002"),  # 32nd day, 13th month
        ("id", "01.312.166.1-091.000"),
        ("hi", "27AAPFU0939F1ZX"),
    ],
)
def test_keeps_numbers_whose_check_digit_is_wrong(code: str, text: str) -> None:
    assert masked(text, code) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SSS 3412345678", "sss"),
        ("GSIS 3412345678", "gsis"),
        ("UMID 341234567890", "umid"),
        ("TIN 341234567890", "tin"),
    ],
)
def test_the_nearest_word_names_plain_digits(text: str, name: str) -> None:
    hits = find_pii(text, rules_named(load_region("tl").pii, region="tl"))
    assert [hit.rule.name for hit in hits] == [name]


def test_plain_digits_without_a_word_stay() -> None:
    assert (
        masked("Tingnan ang 3412345678 at 341234567890.", "tl")
        == "Tingnan ang 3412345678 at 341234567890."
    )


def test_finds_every_value_of_a_long_text() -> None:
    rules = rules_named(load_region("id").pii, region="id")
    filler = "Desa itu sepi pada tahun 1998. " * 20
    text = filler.join(["Telp 0812-3456-7890. "] * 50)
    hits = find_pii(text, rules)
    assert len(hits) == 50
    assert {text[hit.start : hit.end] for hit in hits} == {"0812-3456-7890"}


def test_a_long_list_takes_time_in_step_with_its_length() -> None:
    rules = rules_named(load_region("tl").pii, region="tl")
    seconds = []
    for number in (2_000, 8_000):
        text = "juan.cruz@gmail.com, " * number
        start = time.process_time()
        assert len(find_pii(text, rules)) == number
        seconds.append(time.process_time() - start)
    assert seconds[1] < 10 * seconds[0]


def test_an_unknown_rule_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match=r"vi\.yaml: pii names 'cccd', which is no rule; known: aadhaar"
    ):
        rules_named(["email", "cccd"], region="vi")


def test_every_rule_is_used_by_a_region() -> None:
    used = {name for code in ("id", "hi", "tl") for name in load_region(code).pii}
    assert used == set(known_rules())
