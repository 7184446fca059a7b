"""The corpus' page as a reader gets it: every number is one of the funnel's, text is only text."""

import json
import re
from pathlib import Path

import pytest
from lokal.recipes.prepare import prepare

HINDI = "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं, और डॉक्टर सबको सावधान रहने को कहते हैं।"
ROWS = [
    HINDI,
    "क्‍षमा करें, दर्शनार्‍थी कल सुबह ही यहाँ आएँगे और शाम तक रुकेंगे।",
    f"{HINDI}!",
    "<script>alert(1)</script> kal subah 5 baje mujhe call karna yaar, number 98765 43210 hai",
    "Please write to budi.santoso@gmail.com before the meeting on Friday morning, thank you.",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path) -> Path:
    root = tmp_path_factory.mktemp("page")
    lines = [json.dumps({"id": f"own/{n}", "text": text}) for n, text in enumerate(ROWS)]
    (root / "own.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = [
        "region=hi",
        "corpus=local",
        f"corpus.sources.mine.path={root}/own.jsonl",
        "corpus.sources.mine.licence=MIT",
        "heldout_share=0",
        "language.registers.hinglish=drop",
        f"tokenizer={tiny_llama_folder}",
        f"root={root}",
        "name=page",
    ]
    assert prepare.main(words) == 0
    return root / "page" / "corpus" / "hi"


def test_the_page_counts_every_row_once(corpus: Path) -> None:
    page = (corpus / "report.html").read_text(encoding="utf-8")
    figures = [int(number) for number in re.findall(r"<div><b>(\d+)</b>", page)]
    assert figures == [5, 2, 0, 3]  # read, training, held out, dropped
    assert "40.0% of 5" in page
    assert page.count("<blockquote>") == 3


def test_dropped_text_is_shown_as_text_without_personal_values(corpus: Path) -> None:
    page = (corpus / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "budi.santoso" not in page
    assert "&lt;EMAIL&gt;" in page
    assert "98765" not in page


def test_fertility_is_that_of_the_tokenizer(corpus: Path, tiny_llama_folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_llama_folder / "tokenizer.json"))
    tokens = sum(len(tokenizer.encode(text, add_special_tokens=False)) for text in ROWS[:2])
    words = sum(len(text.split()) for text in ROWS[:2])
    page = (corpus / "report.html").read_text(encoding="utf-8")
    assert f"{tokens / words:.2f} tokens a word" in page


def test_a_wrong_tokenizer_is_one_line_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["region=hi", f"root={tmp_path}", "name=wrong", f"tokenizer={tmp_path}/none"]
    assert prepare.main(words) == 2
    assert f"{tmp_path}/none does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
