import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from lokal.data.read import BadRow, RawRow, read_rows, text_at
from lokal.data.region import load_region
from lokal.data.settings import Corpus, Format, Source
from lokal.data.sources import Part, list_parts
from warcio.warcwriter import WARCWriter

ROWS = [
    {"id": "a", "text": "Dua provinsi, Jum'at."},
    {"id": "b", "text": "क्‍षमा, ज़िला"},
    {"id": "c", "text": "Ang ng̃alan ng mag-aarál"},
]
LIMIT = 20_000_000


def parts_of(path: object, format: Format = Format.jsonl, *, part_bytes: int = 2**26, **settings):
    source = Source(path=str(path), format=format, licence="MIT", **settings)
    corpus = Corpus(name="own", sources={"mine": source}, part_bytes=part_bytes)
    return list_parts(corpus, load_region("hi"))


def rows_of(parts: list[Part], *, limit: int = LIMIT) -> Iterator[RawRow | BadRow]:
    for part in parts:
        yield from read_rows(part, max_row_bytes=limit, on_progress=lambda _: None)


def read(path: object, format: Format = Format.jsonl, **settings) -> list[dict[str, object]]:
    rows = list(rows_of(parts_of(path, format, **settings)))
    assert all(isinstance(row, RawRow) for row in rows), rows
    return [dict(row.values) for row in rows if isinstance(row, RawRow)]


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def packed(data: bytes, ending: str) -> bytes:
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    return pack[ending](data) if ending else data


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_reads_jsonl_and_skips_blank_lines(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows.jsonl{ending}"
    data = as_lines(ROWS[:1]) + b"\n  \n" + as_lines(ROWS[1:]).rstrip(b"\n")
    file.write_bytes(packed(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"), ending))
    assert read(file) == ROWS
    assert read(file, limit_rows=2) == ROWS[:2]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_reads_on_behind_the_first_packed_member(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows.jsonl{ending}"
    file.write_bytes(b"".join(packed(as_lines([row]), ending) for row in ROWS))
    assert read(file) == ROWS


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_text_file_is_one_document(tmp_path: Path, ending: str) -> None:
    text = "Kabanata 1\n\nAng handaan"
    (tmp_path / f"noli.txt{ending}").write_bytes(packed(text.encode("utf-8-sig"), ending))
    assert read(tmp_path / "*.txt*", Format.text) == [{"text": text}]


@pytest.mark.parametrize("part_bytes", [1, 2, 7, 64, 97, 1000, 4096, 10**6])
def test_parts_of_any_size_hold_the_rows_of_the_whole_file(tmp_path: Path, part_bytes: int) -> None:
    rows = [
        {"id": f"{at}", "text": ROWS[at % 3]["text"] * (at % 7), "long": "x" * (at % 5) ** 5}
        for at in range(40)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n\n" + as_lines(rows[:20]) + b"   \n" + as_lines(rows[20:])[:-1])
    parts = parts_of(file, part_bytes=part_bytes)
    assert len(parts) == -(-file.stat().st_size // part_bytes)
    assert sum(part.size_bytes for part in parts) == file.stat().st_size
    found = [row for row in rows_of(parts) if isinstance(row, RawRow)]
    assert [row.values for row in found] == rows
    whole = [row for row in rows_of(parts_of(file)) if isinstance(row, RawRow)]
    assert [row.number for row in found] == [row.number for row in whole]
    data = file.read_bytes()
    assert all(data[row.number :].startswith(b'{"id": "%d"' % at) for at, row in enumerate(found))


def test_a_row_in_a_later_part_is_placed_by_its_byte(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(as_lines(ROWS))
    places = [row.place for row in rows_of(parts_of(file, part_bytes=60))]
    second = len(as_lines(ROWS[:1]))
    third = len(as_lines(ROWS[:2]))
    assert places == [f"{file}:1", f"{file}:2", f"{file}@{third}"]
    assert second < 60 < third


@pytest.mark.parametrize("part_bytes", [1, 3000, 10**7])
def test_a_large_parquet_file_is_split_by_row_groups(tmp_path: Path, part_bytes: int) -> None:
    rows = [{"id": f"{at}", "text": f"{ROWS[at % 3]['text']} {at}"} for at in range(1000)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=90)
    parts = parts_of(tmp_path / "*.parquet", Format.parquet, part_bytes=part_bytes)
    assert {1: 12, 10**7: 1}.get(part_bytes, len(parts)) == len(parts)
    found = [row for row in rows_of(parts) if isinstance(row, RawRow)]
    assert [row.values for row in found] == rows
    assert [row.number for row in found] == list(range(1000))


def test_reads_only_the_columns_of_parquet_that_it_needs(tmp_path: Path) -> None:
    rows = [{"id": "a", "doc": {"body": "ज़िला", "lang": "hi"}, "vector": [0.5] * 3, "url": "u"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    (row,) = read(tmp_path / "a.parquet", Format.parquet, text_field="doc.body")
    assert row == {"id": "a", "doc": rows[0]["doc"], "url": "u"}


def test_reads_wet_files_that_warcio_wrote(tmp_path: Path) -> None:
    for name in ("a.warc.wet.gz", "a.warc.wet"):
        with (tmp_path / name).open("wb") as stream:
            writer = WARCWriter(stream, gzip=name.endswith(".gz"))
            writer.write_record(writer.create_warcinfo_record(name, {"software": "x"}))
            for row in ROWS:
                writer.write_record(
                    writer.create_warc_record(
                        f"https://x.example/{row['id']}",
                        "conversion",
                        payload=io.BytesIO(row["text"].encode()),
                        warc_content_type="text/plain",
                        warc_headers_dict={"WARC-Record-ID": f"<urn:uuid:{row['id']}>"},
                    )
                )
        rows = read(tmp_path / name, Format.wet)
        assert [row["text"] for row in rows] == [row["text"] for row in ROWS]
        assert [row["url"] for row in rows] == [f"https://x.example/{r['id']}" for r in ROWS]
        assert rows[0]["id"] == "urn:uuid:a"


def test_reads_a_folder_that_datasets_saved_and_one_of_plain_files(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    train = Dataset.from_list(ROWS)
    train.save_to_disk(tmp_path / "one", num_shards=2)
    DatasetDict({"train": train, "test": train.select([0])}).save_to_disk(tmp_path / "two")
    assert read(tmp_path / "one", Format.dataset) == ROWS
    assert len(parts_of(tmp_path / "one", Format.dataset)) == 2
    assert read(tmp_path / "two", Format.dataset, hub_split="test,train") == [ROWS[0], *ROWS]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "train.jsonl").write_bytes(as_lines(ROWS))
    assert read(tmp_path / "files", Format.dataset) == ROWS
    (part,) = parts_of(tmp_path / "files", Format.dataset)
    assert part.inputs == [tmp_path / "files" / "train.jsonl"]


def test_a_row_that_the_source_does_not_ask_for_is_left_out(tmp_path: Path) -> None:
    rows = [{"text": str(at), "lang": lang} for at, lang in enumerate(["tgl", "ind", "fil", "hin"])]
    (tmp_path / "rows.jsonl").write_bytes(as_lines(rows))
    found = read(tmp_path / "rows.jsonl", where={"lang": "tgl,fil"})
    assert [row["text"] for row in found] == ["0", "2"]
    assert len(read(tmp_path / "rows.jsonl", where={"lang": "tgl,fil"}, limit_rows=1)) == 1


@pytest.mark.parametrize(
    ("row", "path", "text"),
    [
        ({"text": "ज़िला"}, "text", "ज़िला"),
        ({"content": {"body": "isi"}}, "content.body", "isi"),
        ({"content.body": "isi"}, "content.body", "isi"),
        ({"text": ["satu", None, "dua"]}, "text", "satu\n\ndua"),
        ({"parts": [{"t": "satu"}, {"t": "dua"}]}, "parts.t", "satu\n\ndua"),
        ({"text": ""}, "text", ""),
        ({"text": None}, "text", None),
        ({"text": 7}, "text", None),
        ({"text": ["satu", 7]}, "text", None),
        ({"text": []}, "text", None),
        ({"text": "x"}, "text.body", None),
        ({"text": {"body": "x"}}, "text", None),
    ],
)
def test_finds_the_text_by_its_path(row: dict[str, object], path: str, text: str | None) -> None:
    assert text_at(row, path) == text
