from datatrove.data import Document
from lokal.data.cleaning.markup_config import MarkupConfig
from lokal.data.document import metadata_of, new_document
from lokal.data.steps.markup import Markup

TEXT = "## Judul\n\n**Tebal** dan <b>tebal</b>."


def document(text: str) -> Document:
    return new_document(id="1", text=text, lang="id", source="s", licence="", url="")


def test_strips_running_text_and_notes_it() -> None:
    row = document(TEXT)
    assert Markup(MarkupConfig()).judge(row) is None
    assert row.text == "Judul\n\nTebal dan tebal."
    assert metadata_of(row)["num_chars"] == len(row.text)
    assert metadata_of(row)["notes"] == {
        "markup: html tags removed": 2,
        "markup: markdown documents": 1,
    }


def test_leaves_conversations_and_task_rows() -> None:
    chat, task = document(TEXT), document(TEXT)
    metadata_of(chat)["messages"] = [{"role": "assistant", "content": TEXT}]
    metadata_of(task)["label"] = "positif"
    for row in (chat, task):
        assert Markup(MarkupConfig()).judge(row) is None
        assert row.text == TEXT


def test_drops_a_row_of_nothing_but_markup() -> None:
    verdict = Markup(MarkupConfig()).judge(document("<!-- komentar --><br>"))
    assert verdict is not None
    assert verdict.reason == "only markup"
