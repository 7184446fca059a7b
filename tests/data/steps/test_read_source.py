import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from datatrove.data import Document
from lokal.data.document import is_dropped, metadata_of
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.settings import ChatFormat, Corpus, Format, Kind, OnBadRow, Source
from lokal.data.sources import list_parts
from lokal.data.steps.read_source import ReadSource

TEXTS = ["Dua provinsi.", "क्‍षमा, ज़िला", "Ang ng̃alan ng mag-aarál"]
GOOD = b'{"text": "Dua provinsi."}\n'


def corpus_of(path: object, format: Format = Format.jsonl, *, corpus=None, **settings) -> Corpus:
    source = Source(path=str(path), format=format, licence="MIT", **settings)
    return Corpus(name="own", sources={"mine": source}, **(corpus or {}))


def documents_of(corpus: Corpus, folder: Path) -> list[Document]:
    region = load_region("hi")
    parts = list_parts(corpus, region)
    step = ReadSource(parts, region=region, meters=folder / "meters", corpus=corpus)
    return [document for rank in range(len(parts)) for document in step.stream([], rank=rank)]


def drops_of(documents: list[Document]) -> list[tuple[str, str]]:
    metadata = [metadata_of(document) for document in documents if is_dropped(document)]
    assert all(data["step"] == "read" for data in metadata)
    return [(data["reason"] or "", data["detail"] or "") for data in metadata]


def kept_of(documents: list[Document]) -> list[str]:
    return [document.text for document in documents if not is_dropped(document)]


def test_documents_carry_source_licence_and_the_rows_own_url(tmp_path: Path) -> None:
    rows = [{"text": TEXTS[1]}, {"text": "क", "id": "x-7", "url": "https://x.example/7", "l": "PD"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = corpus_of(tmp_path / "*.jsonl", url="https://x.example", licence_field="l")
    first, second = documents_of(corpus, tmp_path)
    assert (first.id, second.id) == ("mine/rows.jsonl/0", "x-7")
    assert [metadata_of(one)["licence"] for one in (first, second)] == ["MIT", "PD"]
    assert metadata_of(first)["url"] == "https://x.example"
    assert metadata_of(second)["url"] == "https://x.example/7"
    assert metadata_of(second)["lang"] == "hi"


def test_a_repeated_id_is_made_unique_and_counted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        lines = [json.dumps({"id": row_id, "text": "ज़"}) for row_id in ("u/1", "u/1", 1, 1, None)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    documents = documents_of(corpus_of(tmp_path / "*.jsonl"), tmp_path)
    ids = [document.id for document in documents]
    size = len(json.dumps({"id": "u/1", "text": "ज़"})) + 1
    assert ids[:2] == ["u/1", f"u/1#{size}"]
    assert ids[2] == "mine/a.jsonl/1"
    assert ids[7] == "mine/b.jsonl/1"
    assert ids[4].startswith("mine/a.jsonl/")
    repeated = [metadata_of(document)["notes"].get("read: repeated id") for document in documents]
    assert repeated == [None, 1, None, 1, None] * 2


def test_half_a_character_in_id_or_url_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(rb'{"id": "x\ud800", "url": "u\udfff", "text": "Dua"}')
    (document,) = documents_of(corpus_of(tmp_path / "rows.jsonl"), tmp_path)
    assert (document.id, metadata_of(document)["url"]) == ("x?", "u?")


BAD_LINES = {
    "not JSON": b'{"id": "x", "text": "putus',
    "invalid UTF-8": b'{"id": "x", "text": "\xe0\xa4"}',
    "NUL bytes": b"\0" * 4096,
    "not a JSON object": b'["id", "x"]',
    "too long": b'{"text": "' + b"x" * 300_000 + b'"}',
    "no text": b'{"id": "x", "isi": "Dua"}',
}


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("fault", BAD_LINES)
def test_a_bad_line_is_dropped_with_its_place_or_stops(
    tmp_path: Path, fault: str, ending: str
) -> None:
    data = GOOD + BAD_LINES[fault] + b"\n" + GOOD
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress, "": bytes}
    file = tmp_path / f"rows.jsonl{ending}"
    file.write_bytes(pack[ending](data))
    limits = {"max_row_bytes": 100_000}
    documents = documents_of(corpus_of(file, corpus=limits), tmp_path)
    assert kept_of(documents) == [TEXTS[0]] * 2
    ((reason, detail),) = drops_of(documents)
    assert reason == fault
    assert detail.startswith(f"{file}:2")
    assert len(documents[1].text) <= 200
    assert documents[1].text.isprintable()
    stop = corpus_of(file, corpus={**limits, "on_bad_row": OnBadRow.stop})
    with pytest.raises(UserError, match=rf"{file.name}:2: {fault}.*or set corpus.on_bad_row=drop"):
        documents_of(stop, tmp_path)


def test_deeply_nested_json_is_one_bad_row(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(GOOD + b"[" * 200_000 + b"\n" + GOOD)
    documents = documents_of(corpus_of(tmp_path / "rows.jsonl"), tmp_path)
    assert [reason for reason, _ in drops_of(documents)] == ["not JSON"]
    assert len(kept_of(documents)) == 2


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("num_cut", [1, 9, 5000])
def test_the_rows_before_a_cut_are_kept(tmp_path: Path, ending: str, num_cut: int) -> None:
    lines = [json.dumps({"id": f"r/{at}", "text": f"{at * 7919 % 10007}"}) for at in range(20_000)]
    data = "\n".join(lines).encode()
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor(write_checksum=True).compress}
    file = tmp_path / f"rows.jsonl{ending}"
    file.write_bytes(pack[ending](data)[:-num_cut])
    documents = documents_of(corpus_of(file), tmp_path)
    kept = kept_of(documents)
    assert kept == [json.loads(line)["text"] for line in lines[: len(kept)]]
    # zstd unpacks blocks of 128 KB, the cut one not at all; gzip goes to the last byte.
    num_lost = len("\n".join(lines[len(kept) :]))
    assert num_lost < 10 * num_cut + (100 if ending == ".gz" else 200_000)
    ((reason, detail),) = drops_of(documents)
    assert reason == "damaged file"
    assert detail.startswith(f"{file}:{len(kept) + 1}: cut or damaged here")


def test_what_is_no_gzip_or_zstd_file_is_named(tmp_path: Path) -> None:
    for ending in (".gz", ".zst"):
        (tmp_path / f"rows.jsonl{ending}").write_bytes(GOOD * 20)
    documents = documents_of(corpus_of(tmp_path / "rows.jsonl.*"), tmp_path)
    assert [reason for reason, _ in drops_of(documents)] == ["damaged file"] * 2


def test_a_damaged_row_group_does_not_hide_the_next_one(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "rows.parquet"
    rows = [{"text": f"ज़िला {at}"} for at in range(300)]
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=100, use_dictionary=False)
    column = pq.ParquetFile(file).metadata.row_group(1).column(0)
    data = bytearray(file.read_bytes())
    begin = column.data_page_offset
    data[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(data)
    documents = documents_of(corpus_of(file, Format.parquet), tmp_path)
    assert kept_of(documents) == [row["text"] for row in rows[:100] + rows[200:]]
    ((reason, detail),) = drops_of(documents)
    assert reason == "damaged file"
    assert "row 101: rows 101 to 200 are damaged" in detail


def test_broken_text_in_parquet_costs_one_row(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = pa.array([b"satu", b"\xe0\xa4", "ज़िला".encode(), b"x" * 5000], pa.binary())
    texts = pa.StringArray.from_buffers(4, *raw.buffers()[1:])
    pq.write_table(pa.table({"text": texts}), tmp_path / "rows.parquet")
    corpus = corpus_of(tmp_path / "rows.parquet", Format.parquet, corpus={"max_row_bytes": 4000})
    documents = documents_of(corpus, tmp_path)
    assert kept_of(documents) == ["satu", "ज़िला"]
    assert [reason for reason, _ in drops_of(documents)] == ["invalid UTF-8", "too long"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "empty"),
        ("Dua provinsi".encode("utf-16"), "NUL bytes"),
        ("ज़िला".encode("utf-16"), "invalid UTF-8"),
        (b"satu \xe0\xa4", "invalid UTF-8"),
        (b"x" * 5000, "too long"),
    ],
)
def test_a_bad_text_file_is_dropped_or_stops(tmp_path: Path, data: bytes, fault: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "b.txt").write_text(TEXTS[1], encoding="utf-8")
    limits = {"max_row_bytes": 4000}
    documents = documents_of(corpus_of(tmp_path / "*.txt", Format.text, corpus=limits), tmp_path)
    assert kept_of(documents) == [TEXTS[1]]
    ((reason, detail),) = drops_of(documents)
    assert (reason, detail.partition(": ")[0]) == (fault, str(tmp_path / "a.txt"))
    stop = {**limits, "on_bad_row": OnBadRow.stop}
    with pytest.raises(UserError, match=rf"a\.txt: {fault}"):
        documents_of(corpus_of(tmp_path / "*.txt", Format.text, corpus=stop), tmp_path)


def wet_record(headers: str, body: bytes) -> bytes:
    return f"WARC/1.0\r\n{headers}\r\n\r\n".encode() + body + b"\r\n\r\n"


def test_bad_wet_records_are_dropped_and_a_cut_one_ends_the_file(tmp_path: Path) -> None:
    text = "Content-Type: text/plain\r\nContent-Length: "
    records = [
        wet_record(f"WARC-Type: conversion\r\n{text}4", b"satu"),
        wet_record("WARC-Type: response\r\nContent-Type: text/html\r\nContent-Length: 4", b"<p>"),
        wet_record(f"WARC-Type: conversion\r\n{text}5000", b"x" * 5000),
        wet_record(f"WARC-Type: conversion\r\n{text}2", b"\xe0\xa4"),
        wet_record(f"WARC-Type: conversion\r\n{text}6000", "ज़िला".encode()),
    ]
    records[1] = records[1].replace(b"<p>", b"<p/>")
    (tmp_path / "a.wet").write_bytes(b"".join(records))
    corpus = corpus_of(tmp_path / "a.wet", Format.wet, corpus={"max_row_bytes": 4000})
    documents = documents_of(corpus, tmp_path)
    assert kept_of(documents) == ["satu"]
    reasons = ["web page, not text", "too long", "invalid UTF-8", "damaged file"]
    assert [reason for reason, _ in drops_of(documents)] == reasons
    (tmp_path / "a.wet").write_bytes(wet_record(f"{text}-5", b"satu"))
    ((_, detail),) = drops_of(documents_of(corpus, tmp_path))
    assert detail.endswith("record 1: cut or damaged here (Content-Length is '-5')")


def test_too_many_bad_rows_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(GOOD * 100 + b"putus\n" * 11)
    with pytest.raises(
        UserError, match=r"rows\.jsonl: 11 of 111 rows cannot be read, .*max_bad_share=0\.05; "
    ):
        documents_of(corpus_of(tmp_path / "rows.jsonl"), tmp_path)
    more = corpus_of(tmp_path / "rows.jsonl", corpus={"max_bad_share": 0.1})
    assert len(drops_of(documents_of(more, tmp_path))) == 11


def test_a_conversation_and_a_task_row_are_read_by_their_columns(tmp_path: Path) -> None:
    row = {"inputs": "ज़िला क्या है?", "targets": "प्रशासन की इकाई।", "lang": "hin"}
    (tmp_path / "chat.jsonl").write_text(json.dumps(row), encoding="utf-8")
    columns = {"prompt": "inputs", "completion": "targets"}
    chat = {"kind": Kind.chat, "chat_format": ChatFormat.prompt, "columns": columns}
    (document,) = documents_of(corpus_of(tmp_path / "chat.jsonl", **chat), tmp_path)
    assert metadata_of(document)["messages"] == [
        {"role": "user", "content": row["inputs"]},
        {"role": "assistant", "content": row["targets"]},
    ]
    task = {"kind": Kind.task, "task": "topic", "columns": {"text": "inputs"}}
    (tmp_path / "task.jsonl").write_text(json.dumps({**row, "label": "geography"}))
    (document,) = documents_of(corpus_of(tmp_path / "task.jsonl", **task), tmp_path)
    assert metadata_of(document)["messages"] == [{"role": "text", "content": row["inputs"]}]
    assert metadata_of(document)["label"] == "geography"
    with pytest.raises(UserError, match=r"no task \(the label|no task \(column 'text' holds no"):
        documents_of(corpus_of(tmp_path / "task.jsonl", kind=Kind.task, task="topic"), tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_line_of_200_megabytes_is_dropped_in_little_memory(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows.jsonl{ending}"
    pack = {".gz": gzip.open, ".zst": zstandard.open, "": Path.open}[ending]
    with pack(file, "wb") as stream:
        stream.write(GOOD + b'{"text": "')
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n' + GOOD)
    tracemalloc.start()
    documents = documents_of(corpus_of(file), tmp_path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [reason for reason, _ in drops_of(documents)] == ["too long"]
    assert len(kept_of(documents)) == 2
    assert peak_bytes < 64_000_000


TASK = {"kind": Kind.task, "suite": "sib200"}
CHAT = {"kind": Kind.chat}


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ({"isi": "Dua"}, {}, r"rows\.jsonl:1: no text \('text' is .* there are isi\): set text_fi"),
        ({"text": "Dua"}, {"where": {"x": "y"}}, r"no such column \('x' is none of text\)"),
        ({"text": "Dua"}, TASK, r"rows\.jsonl:1: no label .*set label_field"),
        ({"text": "Dua", "label": "olahraga"}, TASK, r"label \('olahraga': suite sib200 has sci"),
        ({"text": "Dua"}, CHAT, r"no messages \(no column 'messages' .*set chat_fo"),
        ({"messages": [{"role": "bot", "content": "x"}]}, CHAT, r"no messages \(.*'bot'"),
        ({"messages": [{"role": "user", "content": "x"}]}, CHAT, r"last turn is not the assistant"),
        ({"id": "s/1", "model": "gpt-4", "response": "x"}, {}, r"recorded model answer .*compari"),
        ({"model": "gpt-4", "responses": ["x"], "text": "y"}, TASK, "may not be trained on"),
        ({"system": "gpt-4", "reply": "x", "state": "ok"}, {}, "may not be trained on"),
    ],
)
def test_a_setting_that_fits_no_row_stops_the_run(
    tmp_path: Path, row: dict[str, object], settings, message: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    with pytest.raises(UserError, match=message):
        documents_of(corpus_of(tmp_path / "rows.jsonl", **settings), tmp_path)


def test_recorded_answers_in_parquet_are_refused_too(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"text": "x", "model": "gpt-4", "response": "y", "more": 1}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    with pytest.raises(UserError, match="may not be trained on"):
        documents_of(corpus_of(tmp_path / "rows.parquet", Format.parquet), tmp_path)


def test_a_file_that_changes_meanwhile_stops_the_run(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(GOOD * 3)
    corpus, region = corpus_of(file), load_region("hi")
    parts = list_parts(corpus, region)
    step = ReadSource(parts, region=region, meters=tmp_path / "meters", corpus=corpus)
    stream = step.stream([], rank=0)
    next(stream)
    with file.open("ab") as more:
        more.write(GOOD)
    with pytest.raises(UserError, match=r"source mine: \S+rows\.jsonl changed while it was read"):
        list(stream)
    file.unlink()
    with pytest.raises(UserError, match=r"rows\.jsonl changed while it was read"):
        next(step.stream([], rank=0))


def test_a_missing_source_is_skipped_and_counted_where_asked(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(GOOD)
    corpus = corpus_of(tmp_path / "rows.jsonl")
    corpus.sources["gone"] = Source(path="/nowhere/x", format=Format.jsonl, licence="MIT")
    with pytest.raises(UserError, match=r"source gone: /nowhere/x does not exist"):
        documents_of(corpus, tmp_path)
    corpus.skip_missing = True
    documents = documents_of(corpus, tmp_path)
    assert kept_of(documents) == [TEXTS[0]]
    ((reason, detail),) = drops_of(documents)
    assert reason == "source skipped"
    assert "source gone: /nowhere/x does not exist" in detail
    assert metadata_of(documents[1])["source"] == "gone"


def test_a_source_of_which_no_row_is_asked_for_is_counted(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b'{"text": "Dua", "lang": "id"}\n')
    documents = documents_of(corpus_of(tmp_path / "rows.jsonl", where={"lang": "hi"}), tmp_path)
    assert drops_of(documents) == [("no row matches", str(tmp_path / "rows.jsonl"))]
