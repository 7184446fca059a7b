"""Reads one part of the corpus and turns its rows into documents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from datatrove.data import Document

from ..document import metadata_of, new_document
from ..errors import UserError
from ..message import Message
from ..meter import Meter
from ..read import RawRow, read_rows
from ..region import Region
from ..settings import Kind, Source
from ..sources import Part
from ..suite import load_suite
from .step import Step

_ROLES = ("system", "user", "assistant")
_RECORDED_KEYS = ({"model", "response"}, {"model", "responses"}, {"system", "reply", "state"})


class ReadSource(Step):
    """Yields the documents of part number ``rank``."""

    name = "read"

    def __init__(self, parts: Sequence[Part], *, region: Region, meters: Path) -> None:
        super().__init__()
        self.parts = list(parts)
        self.region = region
        self.meters = meters

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield one document a row.

        Raises:
            UserError: a broken row, one without the fields of its kind, or a recorded answer.
        """
        yield from documents
        part = self.parts[rank]
        labels = load_suite(part.source.suite).labels if part.source.suite else []
        with Meter(self.meters, rank=rank) as meter:
            num_rows = 0
            for row in read_rows(part, on_progress=meter.at):
                yield _to_document(row, part, region=self.region, labels=labels)
                num_rows += 1
            meter.at(part.size_bytes)
        if num_rows == 0:
            raise UserError(
                f"source {part.source_name}: {part.label} has no rows: remove it from the corpus"
            )


def _to_document(row: RawRow, part: Part, *, region: Region, labels: list[str]) -> Document:
    source, values = part.source, row.values
    _refuse_recorded(row)
    id_value = values.get(source.id_field)
    file = part.file.name if part.file else source.path
    url = values.get("url")
    document = new_document(
        id=f"{part.source_name}/{file}/{row.number}" if id_value is None else str(id_value),
        text="" if source.kind is Kind.chat else _text(row, source.text_field),
        lang=region.code,
        source=part.source_name,
        licence=source.licence,
        url=url if isinstance(url, str) else source.url,
    )
    if source.kind is Kind.task:
        metadata_of(document)["label"] = _label(row, source, labels)
    if source.kind is Kind.chat:
        metadata_of(document)["messages"] = _messages(row, source.messages_field)
    return document


def _refuse_recorded(row: RawRow) -> None:
    for keys in _RECORDED_KEYS:
        if keys <= set(row.values):
            raise UserError(
                f"{row.place} is a recorded model answer (it has {', '.join(sorted(keys))}): "
                "these are for comparison only and may not be trained on"
            )


def _text(row: RawRow, field: str) -> str:
    text = row.values.get(field)
    if not isinstance(text, str):
        raise UserError(_no_such(row, field, "text_field", row.values))
    return text


def _label(row: RawRow, source: Source, labels: list[str]) -> str:
    label = row.values.get(source.label_field)
    if not isinstance(label, str):
        raise UserError(_no_such(row, source.label_field, "label_field", row.values))
    if label not in labels:
        raise UserError(
            f"{row.place} has the label {label!r}: suite {source.suite} has {', '.join(labels)}"
        )
    return label


def _messages(row: RawRow, field: str) -> list[Message]:
    turns = row.values.get(field)
    if not isinstance(turns, list):
        raise UserError(_no_such(row, field, "messages_field", row.values))
    messages: list[Message] = []
    for turn in turns:
        role = turn.get("role") if isinstance(turn, dict) else None
        content = turn.get("content") if isinstance(turn, dict) else None
        if role not in _ROLES or not isinstance(content, str):
            raise UserError(
                f"{row.place}: a message needs role ({', '.join(_ROLES)}) and content: "
                f"got {str(turn)[:80]}"
            )
        messages.append(Message(role=role, content=content))
    if not messages or messages[-1]["role"] != "assistant":
        raise UserError(
            f"{row.place}: the last message is not the assistant's: nothing to train on"
        )
    return messages


def _no_such(row: RawRow, field: str, key: str, values: Mapping[str, object]) -> str:
    known = ", ".join(list(values)[:12])
    return f"{row.place} has no {field!r} of the right type: set {key}=... to one of {known}"
