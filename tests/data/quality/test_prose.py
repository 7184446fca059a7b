import random

import pytest
from lokal.data.quality.config import QualityConfig, QualityThresholds
from lokal.data.quality.prose import ProseJudge, words_of
from lokal.data.quality.repetition import Ngrams
from lokal.data.region import load_region

ID = (
    "Pagi itu pasar di tepi sungai sudah ramai. Para pedagang menata sayur, ikan dan buah di atas "
    "meja kayu, sedangkan pembeli menawar dengan suara pelan. Seorang ibu membawa anaknya yang "
    "masih mengantuk. Ia ingin membeli kangkung untuk makan siang, tetapi harganya naik dua kali "
    "lipat sejak musim hujan. Penjual menjelaskan bahwa banyak kebun terendam air, jadi barang "
    "susah didapat. Akhirnya mereka sepakat pada harga tengah. Di dekat jembatan, perahu kecil "
    "menurunkan karung beras dari hulu. Buruh angkut bekerja cepat karena langit mulai gelap. "
    "Ketika hujan turun, semua orang berteduh di bawah atap seng dan bercerita tentang tahun lalu."
)
TL = (
    "Maagang gumising si Aling Nena upang mag-ani ng gulay sa likod ng kanilang bahay. Kasama niya "
    "ang dalawang apo na nag-aaral pa sa elementarya. Habang namimitas sila ng talong at ampalaya, "
    "ikinuwento niya kung paano dumating ang kanilang pamilya sa baryo noong panahon ng tag-ulan. "
    "Wala raw kuryente noon, kaya gasera lamang ang gamit nila tuwing gabi. Nakinig ang mga bata "
    "at nagtanong kung natakot ba siya. Ngumiti ang matanda: 'di raw nakakatakot ang dilim kapag "
    "magkakasama ang lahat. Pagkatapos, dinala nila ang ani sa palengke at ipinagbili sa mga suki. "
    "Ang kinita ay itinabi para sa pasukan, sapagkat kailangan ng mga apo ng bagong sapatos."
)
HI = (
    "सुबह होते ही गाँव के लोग खेतों की ओर निकल पड़े। रमेश ने अपने बैलों को पानी पिलाया और हल "
    "उठाया। उसकी बेटी स्कूल जाने से पहले घर का काम निपटा रही थी। पिछले साल बारिश कम हुई थी, "
    "इसलिए फ़सल अच्छी नहीं रही। इस बार सबको उम्मीद है कि अनाज ज़्यादा होगा। पंचायत ने तय किया "
    "कि तालाब की सफ़ाई मिलकर की जाएगी। शाम को बूढ़े लोग चौपाल पर बैठकर पुराने दिनों की बातें "
    "करते हैं, जबकि बच्चे पेड़ के नीचे खेलते रहते हैं। जब बिजली चली जाती है तो दीये जलाए जाते हैं "
    "और कोई न कोई कहानी सुनाने लगता है। रात में ठंडी हवा चलती है और सब जल्दी सो जाते हैं।"
)
PROSE = {"id": ID, "tl": TL, "hi": HI}


def reason(region: str, text: str) -> str | None:
    fault = ProseJudge(load_region(region).quality).judge(text).fault
    return fault.reason if fault else None


@pytest.mark.parametrize("region", PROSE)
def test_prose_passes_also_when_it_is_hard_wrapped(region: str) -> None:
    words = PROSE[region].split()
    lines = [" ".join(words[start : start + 6]) for start in range(0, len(words), 6)]
    assert reason(region, PROSE[region]) is None
    assert reason(region, "\n".join(lines)) is None


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("id", "Kamar kotor"),
        ("id", "Menurut dia, konsumsi 3,6 - 4,1 persen, investasi 6,0 - 6,5, ekspor 14,0 - 15,1."),
        (
            "id",
            "Subsidi BBM Rp 1 triliun, subsidi listrik Rp 2 triliun, subsidi pangan Rp 3.",
        ),
        ("tl", "'Di siya nag-aral."),
        ("hi", "क्या हुआ"),
        ("hi", "क्‍षि ज़िला ज़रूर देखें।"),
    ],
)
def test_a_short_complete_utterance_passes(region: str, text: str) -> None:
    assert reason(region, text) is None


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        ("tl", ".", "too few words"),
        ("hi", "शिक्षा", "too few words"),
        ("id", "Home United 27 14 4 9 62 - 44 46 5.", "few words with letters"),
        ("id", "murah " * 30, "few different words"),
        ("id", "a b c d e f g h", "word length"),
        ("id", "https " + "x" * 90, "word length"),
        ("hi", PROSE["id"] + PROSE["tl"], "few stop words"),
        ("id", "\n".join(PROSE["id"].split(". ") * 3), "duplicate lines"),
        ("tl", PROSE["tl"] + " bumili na ngayon dito" * 60, "one phrase again and again"),
        ("id", PROSE["id"] + " " + PROSE["id"], "repeated phrases"),
        ("id", "\n".join(f"Menu {word}" for word in dict.fromkeys(PROSE["id"].split())), "list"),
        ("id", "\n".join(f"- {line}" for line in PROSE["id"].split(". ")), "bullet lines"),
        ("hi", "\n".join(line + "..." for line in PROSE["hi"].split("।")), "ellipsis lines"),
        ("id", PROSE["id"].replace(".", "\n").replace(",", "\n"), "few sentence ends"),
        ("id", PROSE["id"] + " #promo #diskon" * 12, "hashtags"),
        ("tl", PROSE["tl"].replace(" ", "... ", 40), "ellipses"),
    ],
)
def test_poor_text_is_named_by_its_fault(region: str, text: str, expected: str) -> None:
    if expected in ("few sentence ends", "bullet lines", "ellipsis lines"):
        text = text.replace(". ", "\n")
    assert reason(region, text) == expected


def test_headings_and_code_comments_are_no_hashtags() -> None:
    assert reason("id", "\n".join(f"### {line}." for line in PROSE["id"].split(". "))) is None


def test_speech_after_a_dash_is_no_list() -> None:
    speech = "\n".join(f"--{line}." for line in PROSE["tl"].split(". "))
    assert reason("tl", speech) is None


def test_short_lines_are_a_fault_only_where_a_region_says_so() -> None:
    words = PROSE["tl"].split()
    verse = "\n".join(" ".join(words[start : start + 4]) for start in range(0, len(words), 4))
    strict = QualityThresholds(max_short_lines=0.9)
    assert ProseJudge(QualityThresholds()).judge(verse).fault is None
    fault = ProseJudge(strict).judge(verse).fault
    assert fault is not None
    assert fault.reason == "short lines"


def test_a_detail_names_the_measure_and_the_threshold() -> None:
    fault = ProseJudge(QualityThresholds()).judge("murah " * 30).fault
    assert fault is not None
    assert fault.detail == "0.033 < 0.25"
    assert ProseJudge(QualityThresholds(max_words=5)).judge(PROSE["hi"]).fault == (
        "too many words",
        f"{len(words_of(PROSE['hi']))} > 5",
    )


@pytest.mark.parametrize("region", PROSE)
def test_a_flagged_word_is_counted_and_drops_only_above_the_cap(region: str) -> None:
    judge = ProseJudge(load_region(region).quality)
    flagged = load_region(region).quality.flagged_words
    once = judge.judge(f"{PROSE[region]} {flagged[0].upper()}!")
    assert (once.num_flagged, once.fault) == (1, None)
    often = judge.judge(f"{PROSE[region]} {' '.join(flagged)}")
    assert often.num_flagged == len(flagged)
    assert often.fault is not None
    assert often.fault.reason == "flagged words"


def test_a_nukta_is_met_in_both_of_its_forms() -> None:
    composed = ProseJudge(QualityThresholds(flagged_words=["\u095c\u0915"]))
    decomposed = ProseJudge(QualityThresholds(flagged_words=["\u0921\u093c\u0915"]))
    for judge in (composed, decomposed):
        assert judge.count("वह \u0921\u093c\u0915 है").num_flagged == 1


def test_words_stay_whole_with_vowel_signs_joiners_hyphens_and_apostrophes() -> None:
    assert words_of("“क्‍षि ज़िला”, हैं। नहीं॥") == ["क्‍षि", "ज़िला", "हैं", "नहीं"]
    assert words_of("Mag-aral, 'di (Jum'at)… ñino/á") == ["mag-aral", "'di", "jum'at", "ñino", "á"]


def test_hinglish_is_not_short_of_stop_words() -> None:
    line = "mujhe yeh film bahut pasand aayi aur gaane bhi acche hain par kahani thodi lambi thi {}"
    words = ["subah", "shaam", "dopahar", "raat", "kal", "aaj", "parson", "abhi", "baad", "phir"]
    pairs = [f"{first} ko {second} se" for first in words for second in words[:3]]
    text = " ".join([line.format("kal"), *pairs])
    assert len(words_of(text)) > 100
    assert reason("hi", text) != "few stop words"


def slow_shares(words: list[str], sizes: dict[int, float]) -> dict[int, float]:
    total = sum(map(len, words))
    shares: dict[int, float] = {}
    for size in sizes:
        seen: set[tuple[str, ...]] = set()
        covered: set[int] = set()
        for start in range(len(words) - size + 1):
            ngram = tuple(words[start : start + size])
            if ngram in seen:
                covered |= set(range(start, start + size))
            seen.add(ngram)
        shares[size] = sum(len(words[at]) for at in covered) / total
    return shares


@pytest.mark.parametrize("seed", range(5))
def test_repetition_is_what_a_plain_count_finds(seed: int) -> None:
    rng = random.Random(seed)
    vocabulary = [f"{'क' * rng.randint(1, 9)}{number}" for number in range(60)]
    words = rng.choices(vocabulary, k=200)
    words[120:160] = words[20:60]
    words[180:190] = words[20:30]
    sizes = {5: 0.0, 6: 0.0, 8: 0.0, 10: 0.0, 15: 0.0}
    ids = {word: number for number, word in enumerate(dict.fromkeys(words))}
    found = dict(Ngrams(words, ids).repeated(sizes))
    assert found == pytest.approx(slow_shares(words, sizes))
    assert found[15] > 0.1


def test_the_commonest_phrase_fills_its_part_of_the_letters() -> None:
    words = [*map(str, range(1000, 1050)), *(["beli", "kini"] * 10)]
    ids = {word: number for number, word in enumerate(dict.fromkeys(words))}
    (share,) = Ngrams(words, ids).top({2: 0.1, 60: 0.0, 99: 0.0})
    assert share == (2, pytest.approx(10 * 8 / (70 * 4)))
    assert not list(Ngrams(words, ids).top({2: 0.3}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_bullet_lines": 1.5}, r"region.quality.max_bullet_lines must lie in \[0, 1\]"),
        ({"max_top_ngrams": [3]}, r"region.quality.max_top_ngrams\[0\] must lie in \[0, 1\]"),
        ({"stop_words": ["Dan"]}, "stop_words takes single words in lower case, got 'Dan'"),
        ({"flagged_words": ["dua kata"]}, "flagged_words takes single words"),
        ({"stop_words": ["dan"]}, "stop_words lists only 1: no document could pass"),
        ({"min_words": 9, "max_words": 3}, "min_words must lie between 0 and max_words = 3, got 9"),
    ],
)
def test_a_wrong_threshold_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QualityThresholds(**values)  # pyright: ignore[reportArgumentType]


def test_a_perplexity_limit_needs_a_model() -> None:
    with pytest.raises(ValueError, match=r"set quality\.perplexity_model"):
        QualityConfig(max_perplexity=500)
    with pytest.raises(ValueError, match="must be 1 or more, got 0"):
        QualityConfig(perplexity_model="id.arpa", max_perplexity=0)
