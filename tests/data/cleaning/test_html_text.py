from collections import Counter

import pytest
from lokal.data.cleaning.html_text import strip_html


def strip(text: str) -> str:
    return strip_html(text, counts=Counter())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dia <b>membaca</b> buku<br>baru", "Dia membaca buku\nbaru"),
        ("Siya ay <span class='x'>nag-aral</span>.", "Siya ay nag-aral."),
        ("वह <i>पढ़ता</i> है।<!-- टिप्पणी -->", "वह पढ़ता है।"),
        ("kata<script>alert(1)</script> akhir", "kata akhir"),
        ("harga &lt; 5 &amp; ringan", "harga < 5 & ringan"),
        ("h&amp;amp;m &nbsp;x", "h&m \u00a0x"),
        ("nama</person> orang", "nama orang"),  # left over from an annotation
    ],
)
def test_cuts_remnants_out_of_prose(text: str, expected: str) -> None:
    assert strip(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "jika a < b dan c > d",
        "salin <berkas> ke <host>",
        "tulis &E2; atau R&D; dan AT&T",
        "Tag HTML <b>tebal</b> dan &eacute; dijelaskan di sini",
        "ang <a> at <label> ay pinili",
    ],
)
def test_leaves_what_is_meant_to_be_read(text: str) -> None:
    assert strip(text) == text


def test_reads_a_page_as_a_browser_does() -> None:
    page = """<!DOCTYPE html><html><head><title>Judul</title><style>p {color: red}</style></head>
    <body><h1>नमस्ते  दुनिया</h1><p>Satu <a href="x">dua</a>
    tiga &amp; empat<p>Lima<ul><li>a</li><li>b</li></ul>
    <table><tr><td>x</td><td>y</td></tr></table><pre>for x:
    y</pre><script>var a = "<p>";</script></body></html>"""
    lines = [line.strip() for line in strip(page).split("\n") if line.strip()]
    assert lines == [
        "नमस्ते दुनिया",
        "Satu dua tiga & empat",
        "Lima",
        "a",
        "b",
        "x y",
        "for x:",
        "y",
    ]


def test_counts() -> None:
    counts: Counter[str] = Counter()
    strip_html("<b>a</b> &amp; <!-- c -->", counts=counts)
    assert counts["html tags removed"] == 2
    assert counts["html comments removed"] == 1
    assert counts["html entities decoded"] == 1
