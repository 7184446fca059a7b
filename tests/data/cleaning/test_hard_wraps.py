import textwrap

import pytest
from lokal.data.cleaning.hard_wraps import rejoin_lines

TAGALOG = (
    "Nag-aral siya sa bayan nang maraming taon, at nang siya'y umuwi ay hindi na siya kilala ng "
    "kaniyang mga kapatid. Mag-isa siyang naglakad araw-araw sa tabing-dagat, iniisip ang m~ga "
    "nangyari noong unang panahon, hanggang sa dumating ang gabi at tumahimik ang lahat ng bagay."
)
INDONESIAN = (
    "Anak-anak itu berlari-lari di sepanjang pantai sambil tertawa, sementara orang tua mereka "
    "duduk di bawah pohon kelapa dan berbicara tentang musim panen yang akan datang. Tidak seorang "
    "pun memperhatikan awan gelap yang mulai berkumpul di sebelah barat pada sore hari itu."
)
HINDI = (
    "वह ज़िले के सबसे पुराने विद्यालय में पढ़ता था और हर दिन नदी के किनारे से होकर घर लौटता था। "
    "रास्ते में उसे कई लोग मिलते थे जो उससे उसके पिता का हाल पूछते थे, पर वह सबको एक ही उत्तर देता "
    "था कि वे परदेश गए हैं और जल्दी ही लौट आएँगे। किसी ने उसकी बात पर विश्वास नहीं किया।"
)
VERSE = """Sa loob at labas ng bayan kong sawi
kaliluha'y siyang nangyayaring hari
kagalinga't bait ay nalulugami
ininis sa hukay ng dusa't pighati

ang magandang asal ay ipinupukol
sa laot ng dagat kutya't linggatong
balang magagaling ay ibinabaon
at inililibing na walang kabaong"""
DOHA = "\n".join(
    [
        "बड़ा हुआ तो क्या हुआ, जैसे पेड़ खजूर, पंथी को छाया नहीं ।",
        "फल लागे अति दूर रे भाई, फल लागे अति दूर रे साधो भाई ॥",
    ]
    * 6
)


def wrap(*paragraphs: str, width: int) -> str:
    return "\n\n".join(
        textwrap.fill(text, width, break_on_hyphens=False) for text in paragraphs * 3
    )


@pytest.mark.parametrize("text", [TAGALOG, INDONESIAN, HINDI])
@pytest.mark.parametrize("width", [60, 72, 90])
def test_rejoins_wrapped_prose_exactly(text: str, width: int) -> None:
    result = rejoin_lines(wrap(text, INDONESIAN, width=width))
    assert result.text == "\n\n".join([text, INDONESIAN] * 3)
    assert result.num_joined > 8


@pytest.mark.parametrize(
    "text",
    [
        VERSE,
        f"{VERSE}\n\n{VERSE}",
        DOHA,
        "\n".join(INDONESIAN.replace(",", ".").split(".")),
        "\n".join(f"- {word}" for word in TAGALOG.split()),
        f"{TAGALOG}\n{INDONESIAN}",
        "\n".join([TAGALOG, INDONESIAN, HINDI] * 4),  # a paragraph a line
        "\n".join(["Nama", "Umur", "1", "2", "3", "4", "Alamat", "Kota", "10"]),
    ],
)
def test_leaves_verse_lists_and_tables(text: str) -> None:
    assert rejoin_lines(text) == (text, 0, 0)


def test_verse_within_wrapped_prose_stays() -> None:
    text = f"{wrap(TAGALOG, INDONESIAN, width=72)}\n\n{VERSE}\n\n{wrap(TAGALOG, width=72)}"
    result = rejoin_lines(text)
    assert VERSE in result.text
    assert result.text.count(TAGALOG) == 6


def test_verse_with_a_line_as_long_as_the_prose_stays() -> None:
    verse = VERSE.replace("bait ay", "bait ng mga taong walang malay sa nangyari ay")
    text = f"{wrap(TAGALOG, INDONESIAN, width=72)}\n\n{verse}"
    assert max(map(len, verse.split("\n"))) > 60
    assert verse in rejoin_lines(text).text


def test_list_items_in_wrapped_prose_stay_apart() -> None:
    item = "- " + textwrap.fill(INDONESIAN, 70)
    result = rejoin_lines(f"{wrap(TAGALOG, width=72)}\n{item}\n{item}")
    assert result.text.endswith(f"{TAGALOG}\n- {INDONESIAN}\n- {INDONESIAN}")


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("mag-", "aral", "mag-aral"),
        ("pag-", "ibig", "pag-ibig"),
        ("araw-", "araw", "araw-araw"),
        ("anak-", "anak", "anak-anak"),
        ("taga-", "Maynila", "taga-Maynila"),
        ("pembangun-", "kan", "pembangunkan"),
        ("विद्या-", "लय", "विद्यालय"),
        ("kapa-", "tid", "kapatid"),
        ("tabing-", "dagat", "tabing-dagat"),  # so written elsewhere in the text
    ],
)
def test_broken_words_keep_a_hyphen_that_is_theirs(first: str, second: str, joined: str) -> None:
    start = wrap(TAGALOG, width=72).split("\n\n")[0]
    lead = "x" * (71 - len(first))
    after = f"{second} at iba pang mga salita na isinulat niya sa kaniyang aklat noon at ngayo"
    result = rejoin_lines("\n\n".join([start] * 3 + [f"{lead} {first}\n{after}\nlamang ito."]))
    assert f" {joined} at iba" in result.text


def test_page_numbers_go_from_wrapped_text_only() -> None:
    page = wrap(TAGALOG, INDONESIAN, width=72)
    result = rejoin_lines(f"{page}\n\n12\n\n{page}\n\n[Pg 13]\n\n1909\n\n{page}")
    assert result.num_page_numbers == 2
    assert "12" not in result.text
    assert "\n\n1909\n\n" in result.text  # a year is none
    numbers = "\n\n".join(str(number) for number in range(12))
    assert rejoin_lines(numbers).text == numbers


def test_lines_broken_anywhere_are_joined_by_paragraph_and_a_running_foot_stays_apart() -> None:
    lines = [
        "वह मन में सोचता रहा कि अब क्या करना चाहिए और किससे पूछना चाहिए",
        "। उसने कहा",
        "कि मैं घर जाऊँगा",
        "। ",
        " फिर वह चला गया और रास्ते में उसे एक बूढ़ा आदमी मिला जो रो रहा था",
        ". पर कुछ",
        "नहीं बोला",
        "। उसने पूछा",
        ", क्या हुआ।",
        "पुस्तक माला",
        "",
        "131",
        "",
        "आगे की कथा यह है",
    ]
    result = rejoin_lines("\n".join(line.rstrip() for line in lines))
    assert result.text == (
        "वह मन में सोचता रहा कि अब क्या करना चाहिए और किससे पूछना चाहिए। उसने कहा कि मैं घर जाऊँगा।\n"
        " फिर वह चला गया और रास्ते में उसे एक बूढ़ा आदमी मिला जो रो रहा था. पर कुछ नहीं बोला। "
        "उसने पूछा, क्या हुआ।\n\nपुस्तक माला\n\nआगे की कथा यह है"
    )
    assert result.num_page_numbers == 1
