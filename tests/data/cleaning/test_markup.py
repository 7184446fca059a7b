import time

import pytest
from lokal.data.cleaning.markup import strip_markup
from lokal.data.cleaning.markup_config import Code, MarkupConfig

PAGE = """# Pag-aaral

[![Build](https://img.shields.io/x.svg)](https://ci.example/x) ![logo](logo.png)
![Ang larawan ng bayan](bayan.png)

<!-- CO_OP_TRANSLATOR: {"original_hash": "0a"} -->
> **Paalala**: basahin ang [gabay](docs/gabay.md "Gabay") at [ito][1].

## Talahanayan

| Wika | Halaga |
|:-----|-------:|
| हिन्दी | **12** |
| `mag-aral` | a<br>b |

- [x] tapos na
- *mahalaga* at _isa pa_, 2 * 3 * 4, snake_case_name, \\*bituin\\*

```python
# komento
print("<b>**x**</b> [a](b/c)")
```

---
Wakas: <https://lokal.example/a>

[1]: https://example.org
"""

PLAIN = """Pag-aaral

Ang larawan ng bayan

Paalala: basahin ang gabay at ito.

Talahanayan

Wika | Halaga
हिन्दी | 12
mag-aral | a b

- tapos na
- mahalaga at isa pa, 2 * 3 * 4, snake_case_name, *bituin*

```python
# komento
print("<b>**x**</b> [a](b/c)")
```

Wakas: https://lokal.example/a"""


def test_leaves_what_a_reader_sees_of_markdown_and_code_as_it_is() -> None:
    result = strip_markup(PAGE, MarkupConfig())
    assert result.text == PLAIN
    assert result.changes["code blocks kept"] == 1
    assert result.changes["table rows to text"] == 3
    assert result.changes["images removed"] == 3


def test_drops_code_by_config_but_never_what_follows_an_open_fence() -> None:
    config = MarkupConfig(code=Code.drop)
    assert "print" not in strip_markup(PAGE, config).text
    text = "## A\n```python\nprint(1)\n\n**Teks** biasa\n\n```bash\nls\n```\nakhir"
    result = strip_markup(text, config)
    assert result.text == "A\nprint(1)\n\nTeks biasa\n\nakhir"


def test_a_shell_session_is_no_markdown() -> None:
    text = "Jalankan perintah berikut.\n# apt-get install x\n# ls *.txt > a_b_c\nSelesai."
    assert strip_markup(text, MarkupConfig()) == (text, {})


def test_does_not_touch_plain_text_in_any_script() -> None:
    for text in [
        "'Di ko alam; nag-aral siya't umalis [1]. Ang m~ga n͠ga at ng̃ *",
        "वह ज़िला_है क्‍षमा | षट्‌कोण।",
        "Jum'at 5 < 6 & 7 > 3; array[i](x) dan f[0](1)",
    ]:
        assert strip_markup(text, MarkupConfig()) == (text, {})


def test_wraps_stay_by_config() -> None:
    line = "Anak itu berlari sepanjang pantai sambil tertawa dan tidak tahu ke\n"
    text = (line * 12).strip()
    assert "\n" not in strip_markup(text, MarkupConfig()).text
    assert strip_markup(text, MarkupConfig(rejoin=False)).text == text


@pytest.mark.parametrize(
    "mark", ["**a ", "[a", "![", "<!-- ", "<script>", "<a ", "`` ` ", "|", "&a"]
)
def test_open_marks_by_the_thousand_take_no_time(mark: str) -> None:
    text = f"# judul\n**tebal**\n{mark * 30_000}]("
    started = time.perf_counter()
    strip_markup(text, MarkupConfig())
    assert time.perf_counter() - started < 5  # seconds; squared time would be minutes
