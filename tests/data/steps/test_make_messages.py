"""Task rows become the conversations that are trained."""

from datatrove.data import Document
from lokal.data.document import metadata_of, new_document
from lokal.data.message import Message
from lokal.data.region import load_region
from lokal.data.settings import Format, Kind, Source
from lokal.data.steps.make_messages import MakeMessages
from lokal.data.suite import load_suite, topic_messages


def source(**settings: str) -> Source:
    return Source(
        path="x.jsonl", format=Format.jsonl, licence="CC0-1.0", kind=Kind.task,
        suite=settings.get("suite"), task=settings.get("task"),
    )  # fmt: skip


def document(of: str, text: str, label: str | None, *fields: tuple[str, str]) -> Document:
    made = new_document(id="1", text=text, lang="hi", source=of, licence="", url="")
    metadata = metadata_of(made)
    metadata["label"] = label
    metadata["messages"] = [Message(role=role, content=content) for role, content in fields] or None
    return made


def run(*documents: Document) -> list[Document]:
    sources = {"sib": source(suite="sib200"), "bhaav": source(task="emotion")}
    step = MakeMessages(load_region("hi"), sources=sources, seed=0)
    return list(step.stream(documents, rank=0))


def test_a_suites_rows_get_the_evaluations_own_prompt():
    (made,) = run(document("sib", "तुर्की समुद्र से घिरा है।", "geography"))
    prompt = topic_messages(load_region("hi"), load_suite("sib200"), "तुर्की समुद्र से घिरा है।")
    assert metadata_of(made)["messages"] == [
        *prompt, Message(role="assistant", content="geography"),
    ]  # fmt: skip


def test_other_tasks_are_asked_in_the_language_and_the_text_stays_the_fields():
    (made,) = run(document("bhaav", "ज़रूर ईद आयी है", "joy", ("text", "ज़रूर ईद आयी है")))
    question, answer = metadata_of(made)["messages"] or []
    assert "ज़रूर ईद आयी है" in question["content"]
    assert answer == Message(role="assistant", content="आनंद")
    assert made.text == "ज़रूर ईद आयी है"


def test_texts_chats_and_dropped_rows_stay_as_they_are():
    dropped = document("bhaav", "x", "joy", ("text", "x"))
    metadata_of(dropped)["reason"] = "empty"
    plain = document("web", "ईद", None)
    chat = document("chat", "ईद", None, ("user", "a"), ("assistant", "b"))
    before = [metadata_of(item)["messages"] for item in (dropped, plain, chat)]
    assert [metadata_of(item)["messages"] for item in run(dropped, plain, chat)] == before
