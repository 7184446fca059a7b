import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lokal.data.document import metadata_of
from lokal.data.errors import UserError
from lokal.data.read import read_rows
from lokal.data.region import load_region
from lokal.data.settings import Format, Kind, Source
from lokal.data.sources import Part
from lokal.data.steps.read_source import ReadSource

ROWS = [
    {"id": "a", "text": "Dua provinsi."},
    {"id": "b", "text": "क्‍षमा, ज़िला"},
    {"id": "c", "text": "Ang ng̃alan"},
]


def part_of(file: Path | None, format: Format = Format.jsonl, **settings: object) -> Part:
    source = Source(path=str(file), format=format, licence="MIT", **settings)  # pyright: ignore[reportArgumentType]
    return Part(source_name="mine", source=source, file=file)


def read(part: Part) -> list[dict[str, object]]:
    return [dict(row.values) for row in read_rows(part, on_progress=lambda _: None)]


def as_documents(part: Part, tmp_path: Path):
    step = ReadSource([part], region=load_region("hi"), meters=tmp_path / "meters")
    return list(step.stream([], rank=0))


def write_lines(file: Path, lines: list[str]) -> Path:
    data = ("\n".join(lines) + "\n").encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_reads_jsonl_and_skips_blank_lines(tmp_path: Path, name: str) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    file = write_lines(tmp_path / name, [lines[0], "", lines[1], "  ", lines[2]])
    assert read(part_of(file)) == ROWS
    assert read(part_of(file, limit_rows=2)) == ROWS[:2]


def test_reads_parquet_text_and_a_data_set_of_the_hub_library(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    assert read(part_of(tmp_path / "rows.parquet", Format.parquet)) == ROWS
    (tmp_path / "noli.txt").write_text("Kabanata 1\n\nAng handaan", encoding="utf-8")
    page = {"id": "noli", "text": "Kabanata 1\n\nAng handaan"}
    assert read(part_of(tmp_path / "noli.txt", Format.text)) == [page]
    source = Source(path=str(tmp_path), format=Format.hub, licence="MIT")
    assert read(Part(source_name="hub", source=source, file=None)) == ROWS


def test_a_missing_data_set_of_the_hub_is_one_line(tmp_path: Path) -> None:
    source = Source(path=str(tmp_path / "none"), format=Format.hub, licence="MIT")
    with pytest.raises(
        UserError, match=r"hub data set \S+none split train cannot be read .*HF_TOK"
    ):
        read(Part(source_name="hub", source=source, file=None))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b'{"id": "x", "text": "putus', r"rows\.jsonl:2 is not JSON .*: repair or remove the line"),
        (b'{"id": "x"} {"id": "y"}', r"rows\.jsonl:2 is not JSON"),
        (b'["id", "x"]', r"rows\.jsonl:2 is not a JSON object"),
        (b'{"id": "x", "text": "\xe0\xa4"}', r"rows\.jsonl:2 is not UTF-8"),
    ],
)
def test_a_broken_line_is_named_with_file_and_line(
    tmp_path: Path, bad: bytes, message: str
) -> None:
    good = json.dumps(ROWS[0]).encode()
    (tmp_path / "rows.jsonl").write_bytes(good + b"\n" + bad + b"\n" + good + b"\n")
    with pytest.raises(UserError, match=message):
        read(part_of(tmp_path / "rows.jsonl"))


def test_a_cut_or_false_gzip_file_is_named(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "rows.jsonl.gz", [json.dumps(ROWS[0])] * 5000)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"rows\.jsonl\.gz is cut or damaged after line \d+"):
        read(part_of(file))
    file.write_bytes(json.dumps(ROWS[0]).encode())
    with pytest.raises(UserError, match=r"rows\.jsonl\.gz is cut or damaged after line 0"):
        read(part_of(file))


def test_a_damaged_parquet_or_text_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(UserError, match=r"rows\.parquet is damaged or no Parquet file"):
        read(part_of(tmp_path / "rows.parquet", Format.parquet))
    (tmp_path / "page.txt").write_bytes("ज़िला".encode("utf-16"))
    with pytest.raises(UserError, match=r"page\.txt is not UTF-8"):
        read(part_of(tmp_path / "page.txt", Format.text))


def test_documents_carry_source_licence_and_the_rows_own_url(tmp_path: Path) -> None:
    lines = ['{"text": "ज़िला"}', '{"text": "क", "id": 7, "url": "https://x.example/7"}']
    part = part_of(write_lines(tmp_path / "rows.jsonl", lines), url="https://x.example")
    first, second = as_documents(part, tmp_path)
    assert (first.id, second.id) == ("mine/rows.jsonl/0", "7")
    assert metadata_of(first)["url"] == "https://x.example"
    assert metadata_of(second)["url"] == "https://x.example/7"
    assert metadata_of(second)["lang"] == "hi"
    assert metadata_of(second)["licence"] == "MIT"


TASK = {"kind": Kind.task, "suite": "sib200"}
CHAT = {"kind": Kind.chat}


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ({"isi": "Dua"}, {}, r"rows\.jsonl:1 has no 'text' .*set text_field=\.\.\. to one of isi"),
        ({"text": None}, {}, r"rows\.jsonl:1 has no 'text' of the right type"),
        ({"text": "Dua"}, TASK, r"rows\.jsonl:1 has no 'label' .*set label_field="),
        ({"text": "Dua", "label": "olahraga"}, TASK, r"label 'olahraga': suite sib200 has science"),
        ({"text": "Dua"}, CHAT, r"has no 'messages' .*set messages_field="),
        ({"messages": [{"role": "bot", "content": "x"}]}, CHAT, r"needs role \(system, user, ass"),
        ({"messages": [{"role": "user", "content": "x"}]}, CHAT, r"last message is not the assis"),
        ({"id": "s/1", "model": "gpt-4", "response": "x"}, {}, r"recorded model answer .*compari"),
        ({"model": "gpt-4", "responses": ["x"], "text": "y"}, TASK, "may not be trained on"),
        ({"system": "gpt-4", "reply": "x", "state": "ok"}, {}, "may not be trained on"),
    ],
)
def test_a_wrong_row_is_named_with_the_cure(
    tmp_path: Path, row: dict[str, object], settings: dict[str, object], message: str
) -> None:
    file = write_lines(tmp_path / "rows.jsonl", [json.dumps(row)])
    part = part_of(file, Format.jsonl, **settings)
    with pytest.raises(UserError, match=message):
        as_documents(part, tmp_path)


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    part = part_of(write_lines(tmp_path / "rows.jsonl", [""]))
    with pytest.raises(UserError, match=r"source mine: \S+rows\.jsonl has no rows"):
        as_documents(part, tmp_path)
