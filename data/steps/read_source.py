"""Turns the rows of one part of the corpus into documents; a bad row becomes a dropped one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from datatrove.data import Document

from ..artifacts import refuse_artifact_row
from ..conversations import to_messages
from ..document import metadata_of, new_document, note
from ..errors import UserError
from ..instruction import load_task, read_task_row
from ..message import Message
from ..meter import Meter
from ..preferences import to_pair
from ..read import (
    FAULTS,
    FILE_FAULTS,
    SETTING_FAULTS,
    BadRow,
    RawRow,
    RowError,
    excerpt_of,
    read_rows,
    text_at,
)
from ..region import Region
from ..row_ids import RowIds
from ..settings import Corpus, Kind, OnBadRow, Source
from ..source_files import SourceMissing
from ..sources import Part
from ..suite import load_suite
from .step import Step

_FEW_BAD_ROWS = 10
_BAD_ROWS_BETWEEN_CHECKS = 1000
_DEFAULTS = Corpus(name="", sources={})


class _Content(NamedTuple):
    text: str = ""
    """Empty where messages hold it."""
    label: str | None = None
    messages: list[Message] | None = None
    rejected: list[Message] | None = None


class ReadSource(Step):
    """Yields the documents of part number ``rank``.

    Args:
        parts: what is read, by rank.
        region: what the rows are for.
        meters: folder for the progress bar's files.
        corpus: says what a bad row or a missing source does.
    """

    name = "read"

    def __init__(
        self, parts: Sequence[Part], *, region: Region, meters: Path, corpus: Corpus = _DEFAULTS
    ) -> None:
        super().__init__()
        self.parts = list(parts)
        self.region = region
        self.meters = meters
        self.corpus = corpus

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        """Yield one document a row; one that cannot be read is dropped, with its place.

        Raises:
            UserError: a recorded answer, a changed file, a missing source; a bad row, or too many.
        """
        yield from documents
        part = self.parts[rank]
        with Meter(self.meters, rank=rank) as meter:
            num_rows = num_bad = 0
            last: BadRow | None = None
            for document, fault in self._documents(part, meter):
                num_rows += 1
                if fault is not None and fault.fault != "source skipped":
                    last = fault
                    num_bad += fault.fault not in FILE_FAULTS
                    self._stop_at(fault, part, num_bad=num_bad, num_rows=num_rows)
                yield document
            self._check_share(last, part, num_bad=num_bad, num_rows=num_rows)
            meter.at(part.size_bytes)

    def _documents(self, part: Part, meter: Meter) -> Iterator[tuple[Document, BadRow | None]]:
        labels = load_suite(part.source.suite).labels if part.source.suite else []
        ids = RowIds(part)
        for row in self._rows(part, meter):
            fault = row if isinstance(row, BadRow) else None
            if isinstance(row, RawRow):
                try:
                    yield _to_document(row, part, ids, region=self.region, labels=labels), None
                except RowError as error:
                    first = excerpt_of(str(dict(row.values)))
                    fault = BadRow(row.place, row.number, error.fault, error.detail, first)
            if fault is not None:
                yield _dropped(fault, part, ids, region=self.region), fault

    def _rows(self, part: Part, meter: Meter) -> Iterator[RawRow | BadRow]:
        """Yield the part's rows; where there is none, one bad row that says why."""
        num_rows = 0
        try:
            if part.problem is not None:
                raise SourceMissing(part.problem)
            limit = self.corpus.max_row_bytes
            for row in read_rows(part, max_row_bytes=limit, on_progress=meter.at):
                yield row
                num_rows += 1
        except SourceMissing as error:
            if not self.corpus.skip_missing:
                raise
            yield BadRow(part.label, 0, "source skipped", str(error))
            return
        if num_rows == 0 and part.begin == 0 and part.end is None:
            fault = "no row matches" if part.source.where else "empty"
            yield BadRow(part.label, 0, fault)

    def _stop_at(self, fault: BadRow, part: Part, *, num_bad: int, num_rows: int) -> None:
        if self.corpus.on_bad_row is OnBadRow.stop:
            raise UserError(f"{_line(fault)}; or set corpus.on_bad_row=drop")
        if num_bad % _BAD_ROWS_BETWEEN_CHECKS == 0:  # a wrong setting need not read to the end
            self._check_share(fault, part, num_bad=num_bad, num_rows=num_rows)

    def _check_share(self, last: BadRow | None, part: Part, *, num_bad: int, num_rows: int) -> None:
        if last is None or num_bad == 0:
            return
        is_setting = num_bad == num_rows and last.fault in SETTING_FAULTS
        if is_setting or num_bad > max(_FEW_BAD_ROWS, self.corpus.max_bad_share * num_rows):
            raise UserError(
                f"{part.label}: {num_bad} of {num_rows} rows cannot be read, more than "
                f"corpus.max_bad_share={self.corpus.max_bad_share}; {_line(last)}"
            )


def _line(fault: BadRow) -> str:
    detail = f" ({fault.detail})" if fault.detail else ""
    return f"{fault.place}: {fault.fault}{detail}: {FAULTS[fault.fault]}"


def _dropped(fault: BadRow, part: Part, ids: RowIds, *, region: Region) -> Document:
    """Return what stands for the row among the dropped ones."""
    row_id, _ = ids.take(None, number=fault.number)
    document = new_document(
        id=row_id,
        text=fault.excerpt,
        lang=region.code,
        source=part.source_name,
        licence=part.source.licence,
        url=part.source.url,
    )
    metadata = metadata_of(document)
    metadata["step"], metadata["reason"] = "read", fault.fault
    metadata["detail"] = f"{fault.place}: {fault.detail}" if fault.detail else fault.place
    metadata["num_chars"] = len(fault.excerpt)
    return document


def _to_document(
    row: RawRow, part: Part, ids: RowIds, *, region: Region, labels: list[str]
) -> Document:
    source, values = part.source, row.values
    refuse_artifact_row(row.place, values)
    content = _content(row, source, region=region, labels=labels)
    licence = _string(values.get(source.licence_field)) if source.licence_field else ""
    row_id, is_repeated = ids.take(values.get(source.id_field), number=row.number)
    document = new_document(
        id=row_id,
        text=content.text,
        lang=region.code,
        source=part.source_name,
        licence=licence or source.licence,
        url=_string(values.get(source.url_field)) or source.url,
    )
    metadata = metadata_of(document)
    metadata["label"], metadata["messages"] = content.label, content.messages
    metadata["rejected"] = content.rejected
    if is_repeated:
        note(document, "read: repeated id")
    return document


def _content(row: RawRow, source: Source, *, region: Region, labels: list[str]) -> _Content:
    """Return what the row is read for.

    Raises:
        RowError: it lacks what its kind needs.
    """
    if source.kind is Kind.text:
        return _Content(text=_text(row, source.text_field))
    if source.kind is Kind.chat:
        try:
            return _Content(messages=to_messages(row.values, source))
        except ValueError as error:
            raise RowError("no messages", str(error)) from error
    if source.kind is Kind.preference and source.suite is None and source.task is None:
        try:
            chosen, rejected = to_pair(row.values, source)
        except ValueError as error:
            raise RowError("no pair", str(error)) from error
        return _Content(messages=chosen, rejected=rejected)
    if source.task is None:
        label = _label(row, source, labels)
        return _Content(text=_text(row, source.text_field), label=label)
    task = load_task(region.code, source.task)
    try:
        fields, label = read_task_row(row.values, task, source.columns)
    except ValueError as error:
        raise RowError("no task", str(error)) from error
    return _Content(label=label, messages=fields)


def _string(value: object) -> str:
    """Return the value if it is text, without what UTF-8 cannot hold; else nothing."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _text(row: RawRow, field: str) -> str:
    text = text_at(row.values, field)
    if text is None:
        raise RowError("no text", _none_of(field, row.values))
    return text


def _label(row: RawRow, source: Source, labels: list[str]) -> str:
    label = row.values.get(source.label_field)
    if not isinstance(label, str):
        raise RowError("no label", _none_of(source.label_field, row.values))
    if label not in labels:
        raise RowError("unknown label", f"{label!r}: suite {source.suite} has {', '.join(labels)}")
    return label


def _none_of(field: str, values: Mapping[str, object]) -> str:
    return f"{field!r} is missing or no text; there are {', '.join(list(values)[:12])}"
