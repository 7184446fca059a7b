"""All checks of one answer, in Latin script and Devanagari, with their mistakes."""

import json
from dataclasses import asdict

import pytest
from lokal.evaluation.checks.address import find_address
from lokal.evaluation.checks.check import Checks, check_reply
from lokal.evaluation.checks.expectation import Expectation
from lokal.evaluation.checks.graphemes import count_graphemes

ID = Expectation(language="id", script="Latn", register="formal")
HI = Expectation(language="hi", script="Deva")
HINGLISH = Expectation(language="hi", script="Latn", code_mix=True)
TL = Expectation(language="tl", script="Latn", code_mix=True)
EN = Expectation(language="en", script="Latn")

INDONESIAN = (
    "Sebelum membeli kulkas, ukur dulu ruang yang Anda punya di dapur.\n"
    "Pilih kapasitas yang sesuai dengan jumlah anggota keluarga dan daya listrik di rumah."
)
HINDI = (
    "दुकान का बिल बनाते समय ग्राहक का नाम, सामान और कर की दर ज़रूर लिखें।\n"
    "हर महीने के अंत में सभी बिलों का योग कर के लेखाकार को भेजें ताकि क्षति न हो।"
)
TAGALOG = (
    "Bago ka bumili ng bigas, tingnan muna kung tuyo ito at walang kakaibang amoy.\n"
    "Mas mainam kung sa mismong palengke ka mamimili dahil sariwa ang mga paninda roon."
)
ENGLISH = (
    "Before you buy a fridge, measure the space that you have in your kitchen.\n"
    "Then choose a size that is right for the number of people who live with you."
)


def check(reply: str, expectation: Expectation, *, is_cut: bool = False) -> Checks:
    return check_reply(reply, expectation, is_cut=is_cut)


@pytest.mark.parametrize(
    ("reply", "expectation"), [(INDONESIAN, ID), (HINDI, HI), (TAGALOG, TL), (ENGLISH, EN)]
)
def test_passes_a_plain_answer_in_its_own_language(reply: str, expectation: Expectation):
    checks = check(reply, expectation)
    assert checks.is_faithful is True
    assert checks.is_in_script is True
    assert checks.own_share == 1
    bad = (checks.is_empty, checks.is_repetitive, checks.is_truncated, checks.is_gibberish)
    assert bad == (False, False, False, False)
    assert not checks.is_refusal
    assert not checks.mixes_registers


@pytest.mark.parametrize("expectation", [ID, HI, TL], ids=lambda x: x.language)
def test_fails_an_answer_in_english(expectation: Expectation):
    checks = check(ENGLISH, expectation)
    assert checks.is_faithful is False
    assert checks.other_language == "en"


def test_finds_one_english_line_in_an_indonesian_answer():
    english_line = ENGLISH.splitlines()[0]
    assert check(f"{INDONESIAN}\n{english_line}", ID).is_faithful is False
    assert check(f"{INDONESIAN}\n```\n{english_line}\n```", ID).is_faithful is True
    assert check(f"{INDONESIAN}\n> {english_line}", ID).is_faithful is True


def test_lets_short_lines_be_in_any_language():
    assert check(f"{INDONESIAN}\nThat is what you are.", ID).is_faithful is True


def test_believes_a_short_english_answer_without_any_word_of_the_language():
    english = "In Tagalog, describe mango season in two or three sentences."
    assert check(english, TL).other_language == "en"


def test_fails_long_prose_that_no_detector_knows():
    unknown = " ".join(["bolvik tandora remuso pelikar suvanto mirdel kaspoli"] * 3)
    checks = check(unknown, ID)
    assert checks.is_faithful is False
    assert checks.other_language == "un"
    assert check(unknown[:60], ID).is_faithful is None


def test_tells_neighbours_and_other_regions_apart():
    assert check(TAGALOG, ID).other_language == "tl"
    assert check(INDONESIAN, TL).is_faithful is False
    cebuano = (
        "Ang mga tawo nangadto sa lungsod aron mamalit og bugas ug isda para sa ilang pamilya."
    )
    assert check(cebuano, TL).is_faithful is False
    hinglish = "Mujhe kal subah dukaan jaana hai aur wahan se doodh lana hai."
    assert check(hinglish, ID).other_language == "hi"


@pytest.mark.parametrize("reply", ["", "B", "politik", "42", "Jakarta, 17 Agustus"])
def test_says_nothing_about_the_language_of_short_answers(reply: str):
    assert check(reply, ID).is_faithful is None


def test_tells_script_from_language():
    romanised = (
        "Aap apna order kal tak wapas kar sakte hain, bas app mein return wala button dabaiye."
    )
    wanted_devanagari = check(romanised, HI)
    assert wanted_devanagari.is_faithful is True
    assert wanted_devanagari.is_in_script is False
    hinglish = check(romanised, HINGLISH)
    assert hinglish.is_in_script is True
    assert hinglish.style == "hinglish"
    assert check("12 + 30 = 42", HI).is_in_script is None


def test_finds_malay_drift_only_where_the_region_has_it():
    malay = "Kerajaan berkata wang itu akan dibayar selepas cuti kerana syarikat mahu cuba lagi."
    assert check(malay, ID).is_malay_drift is True
    assert check(malay, ID).is_faithful is True
    assert check(INDONESIAN, ID).is_malay_drift is False
    assert check(HINDI, HI).is_malay_drift is None


def test_measures_english_in_a_mixed_answer():
    taglish = (
        "Check mo muna ang tracking number at wait for the email from our team bago ka pumunta."
    )
    assert check(taglish, TL).is_faithful is True
    assert check(TAGALOG, TL).english_share < 0.05 < check(taglish, TL).english_share
    assert check("यह order अभी तक deliver नहीं हुआ है।", HI).english_share == pytest.approx(2 / 8)


@pytest.mark.parametrize(
    ("reply", "language", "form", "is_mixed"),
    [
        ("Silakan Anda hubungi toko kami.", "id", "formal", False),
        ("Coba tanyakan kepada gurumu.", "id", "familiar", False),
        ("Ilmu dari tamu itu berguna bagi penjual jamu.", "id", "", False),
        ("Gue bisa anter lo ke stasiun.", "id", "intimate", False),
        ("Anda boleh datang, nanti kamu dibantu petugas.", "id", "formal", True),
        ('Ibu berkata, "Kamu harus pulang."', "id", "", False),
        ("आपका ऑर्डर कल पहुँचेगा।", "hi", "formal", False),
        ("मशीन अपने आप बंद होती है।", "hi", "", False),
        ("तुम कल क्या करोगे?", "hi", "familiar", False),
        ("तेरा भाई कब आएगा?", "hi", "intimate", False),
        ("आप कैसे हो?", "hi", "formal", True),
        ("अगर आप चाहें तो काम हो सकता है।", "hi", "formal", False),
        ("Aap yahan click karo.", "hi", "formal", True),
        ("Salamat po sa inyong tanong.", "tl", "formal", False),
        ("Kayo ba ang may-ari?", "tl", "formal", False),
        ("Ano ang pangalan mo?", "tl", "familiar", False),
        ("Ka-edad ni Ana ang pinsan ko.", "tl", "", False),
        ("Salamat po sa tanong mo.", "tl", "familiar", True),
        ("You are welcome.", "en", "", False),
    ],
)
def test_finds_the_form_of_address(reply: str, language: str, form: str, is_mixed: bool):
    found = find_address(reply, language)
    assert found.is_mixed is is_mixed
    if not is_mixed:
        assert found.form == form


def test_compares_the_register_with_the_wanted_one():
    assert check(INDONESIAN, ID).is_register_kept is True
    assert check("Kamu bisa pilih yang ini.", ID).is_register_kept is False
    assert check("Harga beras naik.", ID).is_register_kept is None
    neutral = Expectation(language="tl", script="Latn", register="neutral")
    assert check("Ano ang pangalan mo?", neutral).is_register_kept is True


@pytest.mark.parametrize(
    "reply",
    [
        "Saya tidak dapat membantu dengan permintaan itu.",
        "Maaf, aku nggak bisa kasih informasi itu.",
        "माफ़ कीजिए, मैं इस काम में आपकी मदद नहीं कर सकता।",
        "मैं यह जानकारी नहीं दे सकती।",
        "Main is kaam mein aapki madad nahi kar sakta.",
        "Hindi ako makakatulong sa kahilingang iyon.",
        "Paumanhin po, hindi ko maibibigay ang impormasyong iyon.",
        "I’m sorry, but I can’t help with that.",
    ],
)
def test_finds_refusals_in_four_languages(reply: str):
    assert check(reply, EN).is_refusal


@pytest.mark.parametrize(
    "reply",
    [
        INDONESIAN,
        HINDI,
        TAGALOG,
        ENGLISH,
        "Saya tidak tahu kapan toko itu tutup.",
        "हमले की निंदा की गई, लेकिन टैक्स माफ़ी को दान नहीं माना गया।",
        "Hindi ko alam kung anong oras sila darating.",
        "You cannot return the shoes after thirty days.",
    ],
)
def test_takes_no_other_negation_for_a_refusal(reply: str):
    assert not check(reply, EN).is_refusal


def test_finds_loops_of_words_lines_and_letters():
    loop = "Harga beras naik lagi. " + "dan harga telur juga naik " * 6
    assert check(loop, ID).is_repetitive
    assert check("\n".join(["कृपया फिर से प्रयास करें।"] * 5), HI).is_repetitive
    assert check("ha" * 40, TL).is_repetitive
    assert not check(
        "Kata-kata itu sama-sama berulang-ulang, sangat sangat baik.", ID
    ).is_repetitive
    table = "| ukuran | harga |\n|---|---|\n" + "".join(f"| {n} | {n}.000 |\n" for n in range(20))
    assert not check(table, ID).is_repetitive


def test_finds_answers_that_break_off():
    assert check("Tiga.", ID, is_cut=True).is_truncated
    long = f"{INDONESIAN} Perhatikan pula label hemat energi pada pintu"
    assert check(long, ID).is_truncated
    assert not check(f"{long}.", ID).is_truncated
    assert check("```python\nprint(1)", ID).is_truncated
    broken_off = f"{HINDI} {HINDI.replace('।', '')} और इसके बाद ग्राहक को सू"
    assert check(broken_off.replace("\n", " "), HI).is_truncated
    assert not check(f"{INDONESIAN}\n\n#belanja #hemat", ID).is_truncated
    assert not check("politik", ID).is_truncated


def test_finds_what_is_no_text():
    salad = "xqv brzt klomp wrfg snirt plokq vrast gnilp trosk brafl quimt zlerp dwost fnarg blixt"
    assert check(salad, ID).is_gibberish
    torn = "fo the gednra mna wlsak htrogh eth tkream adn sebyu dbaer mrfo eht krabe htiw isbctui "
    assert check(torn * 2, EN).is_gibberish
    assert check("à¤¯à¤¹ à¤¦à¥", HI).is_gibberish
    assert check("ि ा ् ै कि ा ् ी", HI).is_gibberish
    assert not check(HINDI, HI).is_gibberish
    assert not check("1 234 567 890 12 34 56 78 90 11 22 33 44 55 66 77 88", ID).is_gibberish
    empty = check("  \n", HI)
    assert empty.is_empty
    assert not empty.is_gibberish
    assert empty.script_share is None


def test_counts_what_a_reader_sees_as_one_character():
    assert count_graphemes("क्षति") == 2
    assert count_graphemes("हिन्दी 🇮🇳") == 4
    assert count_graphemes("añó") == count_graphemes("an\u0303o\u0301") == 3
    assert count_graphemes("") == 0


def test_is_one_flat_row_for_a_json_file():
    row = asdict(check(TAGALOG, TL))
    assert json.loads(json.dumps(row)) == row
