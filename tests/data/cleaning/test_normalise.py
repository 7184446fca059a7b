import unicodedata

import pytest
from lokal.data.cleaning.normalise import normalise, normalise_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("क्‍षमा दर्शनार्‍थी", "क्‍षमा दर्शनार्‍थी"),  # ZWJ shapes the letter: it stays
        ("षट्\u200cकोण", "षट्\u200cकोण"),  # ZWNJ too
        ("र\u200d\u094dय", "र\u200d\u094dय"),  # and before the virama
        ("कि\u200dन श्री\u200cमान इ\u200dतना", "किन श्रीमान इतना"),  # elsewhere they do nothing
        ("क्‍‍ष", "क्‍ष"),  # but not twice
        ("\u095b\u093c", "\u091c\u093c"),  # a one-character nukta letter becomes two, once
        ("ज़िला", "\u091c\u093c\u093f\u0932\u093e"),
        ("\u091c\u093f\u093c\u0932\u093e", "\u091c\u093c\u093f\u0932\u093e"),  # typed too late
        ("\u0905\u094cर \u0905\u093eप", "और आप"),  # one vowel typed as two
        ("👩‍💻", "👩‍💻"),  # joined emoji stay one
        ("bu\u200dku \u200clagi", "buku lagi"),  # in Latin a joiner only hides duplicates
    ],
)
def test_joiners_and_nukta(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  satu\t\tdua \u00a0 tiga  \r\nempat\r", "satu dua tiga\nempat"),
        ("baris\n\n\n\n\nbaris", "baris\n\nbaris"),
        ("- a\n    - b  c", "- a\n    - b c"),  # indentation stays
        ("kata\u00adan\u200b \ufeffanda\u202e", "katan anda".replace("katan", "kataan")),
        ("nga\u0303", "ngã"),  # NFC
        ("n\u0303ga g\u0303", "ñga g̃"),
        ("\ud800kata", "kata"),  # half a surrogate pair cannot be written as UTF-8
    ],
)
def test_spaces_and_invisible_characters(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize("text", ["ज़ि\u200dला  \u095e  ", "a\u0301\n\n\n b\u200d", "क् \u200d ष"])
def test_is_in_nfc_and_changes_nothing_the_second_time(text: str) -> None:
    once = normalise_text(text)
    assert unicodedata.is_normalized("NFC", once)
    assert normalise_text(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("वह गया ।वह आया।", "वह गया। वह आया।"),
        ('वह गया । "वह" आया ।।', 'वह गया। "वह" आया।।'),
        ("दोहा ॥ १ ॥", "दोहा॥ १ ॥"),  # a verse's number keeps its blanks
        ("सन 1947 ।", "सन 1947।"),
        ('वह गया |\nवह आया| "हाँ |"', 'वह गया।\nवह आया। "हाँ।"'),
        ("| नाम | आयु |\n|---|---|", "| नाम | आयु |\n|---|---|"),  # a table
        ("होम | समाचार | खेल", "होम | समाचार | खेल"),  # a menu
        ("ls | grep x |", "ls | grep x |"),
        ("कीमत १२३ या 456", "कीमत १२३ या 456"),  # digits stay
    ],
)
def test_danda(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "'Di ko alam; nag-aral siya't umalis, ‘ika niya.",
        "Ang m~ga n͠ga at ng̃ salitâ»,--aniya",
        "Jum'at malam, anak-anak “bermain”",
        "the `chroot`ed environment",
        "`di",
        "“Ça va”, à la carte: ½ — ±5 °C",
    ],
)
def test_leaves_quotes_and_hyphens(text: str) -> None:
    result = normalise(text)
    assert result.text == unicodedata.normalize("NFC", text)
    assert not result.changes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jum`at siya\u00b4y", "Jum'at siya'y"),
        ("mag\u2011aral", "mag-aral"),
    ],
)
def test_plain_hyphen_and_apostrophe_within_words(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("यह “मेरा” है।", "sloppy-windows-1252"),
        ("Itu katanya – “ya”…", "sloppy-windows-1252"),
        ("Niño’y nag-aral", "mac-roman"),
    ],
)
def test_repairs_mojibake_line_by_line(text: str, encoding: str) -> None:
    broken = text.encode().decode(encoding)  # the sloppy codec is ftfy's
    result = normalise(f"पहली ठीक पंक्ति\n{broken}\nNiño “baik”")
    assert result.text == f"पहली ठीक पंक्ति\n{text}\nNiño “baik”"
    assert result.changes == {"mojibake repaired": 1}


@pytest.mark.parametrize("text", ['"ÉÏº£ÊÐABC"', "sinumpâ»,--ang", "walâ\u00a0na", "₹500 à €20"])
def test_takes_no_real_letters_for_mojibake(text: str) -> None:
    assert normalise(text).changes == {}


def test_counts_what_it_changed() -> None:
    result = normalise("\u200bक ।\u200e ख\u0001ि\u200dग")
    assert result.changes == {
        "zero-width removed": 1,
        "marks of direction removed": 1,
        "control characters removed": 1,
        "idle joiners removed": 1,
        "danda spaced": 1,
    }
