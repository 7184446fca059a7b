"""Speed of reading on one core, by format: `python benchmarks/read.py FILE.jsonl.gz ...`.

The rows of all files are written as plain, gzip, zstd and Parquet, and read back three times; the
best run counts, in CPU seconds. MB are those of the plain JSONL. orjson is tried where installed.
"""

import argparse
import gzip
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from lokal.data.read import read_rows
from lokal.data.region import load_region
from lokal.data.settings import Corpus, Format, Source
from lokal.data.sources import list_parts
from lokal.data.steps.read_source import ReadSource


def main() -> None:
    """Write the files, read them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSONL with id and text, .gz or plain")
    lines: list[bytes] = []
    for file in parser.parse_args().files:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            lines += stream
    data = b"".join(lines)
    megabytes = len(data) / 1e6
    print(f"{len(lines)} rows, {megabytes:.1f} MB\n\n| what | MB/s |\n|---|---:|")
    _print("json.loads of each line", lambda: [json.loads(line) for line in lines], megabytes)
    if importlib.util.find_spec("orjson"):
        import orjson  # pyright: ignore[reportMissingImports]

        _print(
            "orjson.loads of each line", lambda: [orjson.loads(line) for line in lines], megabytes
        )
    with TemporaryDirectory() as folder:
        for file in _write(Path(folder), data, lines):
            _read(file, megabytes)


def _write(folder: Path, data: bytes, lines: list[bytes]) -> list[Path]:
    files = [folder / name for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.parquet")]
    files[0].write_bytes(data)
    files[1].write_bytes(gzip.compress(data, 6))
    files[2].write_bytes(zstandard.compress(data, 3))
    rows = [json.loads(line) for line in lines]
    columns = {name: [row[name] for row in rows] for name in ("id", "text")}
    pq.write_table(pa.table(columns), files[3], compression="zstd")
    return files


def _read(file: Path, megabytes: float) -> None:
    format = Format.parquet if file.suffix == ".parquet" else Format.jsonl
    source = Source(path=str(file), format=format, licence="any")
    corpus, region = Corpus(name="any", sources={"any": source}), load_region("id")
    parts = list_parts(corpus, region)
    limit = corpus.max_row_bytes

    def rows() -> None:
        for part in parts:
            for _ in read_rows(part, max_row_bytes=limit, on_progress=lambda _: None):
                pass

    def documents() -> None:
        step = ReadSource(parts, region=region, meters=file.parent / "meters", corpus=corpus)
        for rank in range(len(parts)):
            for _ in step.stream([], rank=rank):
                pass

    kind = file.name.removeprefix("a.")
    _print(f"{kind}: rows", rows, megabytes)
    _print(f"{kind}: documents", documents, megabytes)


def _print(what: str, work: Callable[[], object], megabytes: float) -> None:
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    print(f"| {what} | {megabytes / best:.0f} |")


if __name__ == "__main__":
    main()
