"""One row of a corpus: its columns on disk, and datatrove's Document between the steps."""

from typing import TypedDict, cast

import pyarrow as pa
from datatrove.data import Document

from .message import Message

_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
CORPUS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("lang", pa.string()),
        ("script", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("url", pa.string()),
        ("messages", _TURNS),
        ("rejected", _TURNS),
        ("num_chars", pa.int32()),
        ("script_share", pa.float32()),
        ("cld2_language", pa.string()),
        ("cld2_own_share", pa.float32()),
        ("register", pa.string()),
        ("num_words", pa.int32()),
        ("stop_share", pa.float32()),
        ("repeated_share", pa.float32()),
        ("perplexity", pa.float32()),
        ("notes", pa.map_(pa.string(), pa.int32())),
        ("cluster", pa.string()),
    ]
)
"""Columns of ``train-*.parquet`` and ``heldout-*.parquet``; ``messages`` is null for plain text.

``rejected`` is null but in a preference pair: there it is the whole conversation with the worse
reply, ``messages`` the one with the better."""

DROPPED_SCHEMA = pa.schema(
    [*CORPUS_SCHEMA, ("step", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)
"""Columns of ``dropped-*.parquet``: also which step dropped the row, why, and what it found."""

PART_SCHEMA = pa.schema([*DROPPED_SCHEMA, ("label", pa.string())])
"""Columns of what one stage leaves for the next."""


class Metadata(TypedDict):
    """What a document carries beside its id and text."""

    lang: str
    source: str
    licence: str
    url: str
    label: str | None
    """The right answer, for task rows."""
    messages: list[Message] | None
    rejected: list[Message] | None
    """Of a preference pair: the conversation with the worse reply."""
    script: str
    num_chars: int
    script_share: float
    cld2_language: str
    """What CLD2 takes the text for; empty where it is not sure."""
    cld2_own_share: float
    """Part of the text that CLD2 finds in the region's language."""
    register: str
    """``hinglish``, ``taglish``, ``jakartan`` or ``malay-drift``; empty for plain language."""
    num_words: int
    stop_share: float
    """Part of the words that are among the language's commonest."""
    repeated_share: float
    """Part of the letters in phrases of five words that stood in the text before."""
    perplexity: float | None
    """Under the KenLM model of the run, where it has one."""
    notes: dict[str, int]
    """What steps changed or saw in this row, counted: ``{"pii: email": 2}``."""
    cluster: str
    """Id of the first row of those that are equal or nearly equal; its own where it is alone."""
    held_out: bool
    """True for a row that is kept out of training."""
    step: str | None
    """The step that dropped the row; None for a kept one."""
    reason: str | None
    detail: str | None


def new_document(*, id: str, text: str, lang: str, source: str, licence: str, url: str) -> Document:
    """Return a document that no step has seen yet."""
    metadata = Metadata(
        lang=lang,
        source=source,
        licence=licence,
        url=url,
        label=None,
        messages=None,
        rejected=None,
        script="",
        num_chars=0,
        script_share=0.0,
        cld2_language="",
        cld2_own_share=0.0,
        register="",
        num_words=0,
        stop_share=0.0,
        repeated_share=0.0,
        perplexity=None,
        notes={},
        cluster="",
        held_out=False,
        step=None,
        reason=None,
        detail=None,
    )
    return Document(text=text, id=id, metadata=dict(metadata))


def metadata_of(document: Document) -> Metadata:
    """Return the document's metadata under its type; a change goes into the document."""
    return cast("Metadata", document.metadata)


def note(document: Document, what: str, number: int = 1) -> None:
    """Count something that a step changed or saw in the row; the funnel adds it up by source."""
    notes = metadata_of(document)["notes"]
    notes[what] = notes.get(what, 0) + number


def is_dropped(document: Document) -> bool:
    """Return whether a step has dropped the document; it travels on, for the books."""
    return document.metadata["reason"] is not None


def to_row(document: Document) -> dict[str, object]:
    """Return the row with all columns of PART_SCHEMA."""
    row = {"id": document.id, "text": document.text, **document.metadata}
    return {name: row[name] for name in PART_SCHEMA.names}


def from_row(row: dict[str, object]) -> Document:
    """Return the document that ``to_row`` made the row from."""
    metadata = {name: value for name, value in row.items() if name not in ("id", "text")}
    metadata["notes"] = dict(cast("list[tuple[str, int]]", metadata["notes"] or []))
    return Document(
        text=cast("str", row["text"]),
        id=cast("str", row["id"]),
        metadata={"held_out": False, **metadata},
    )
