"""What a Hub that refuses, breaks or is silent does; datasets reads HF_ENDPOINT at import."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lokal.data.errors import UserError
from lokal.data.read import read_rows
from lokal.data.settings import Format, Source
from lokal.data.source_files import SourceMissing
from lokal.data.sources import Part

READ_EACH = """
import json, sys
from lokal.data.read import read_rows
from lokal.data.settings import Format, Source
from lokal.data.source_files import SourceMissing
from lokal.data.sources import Part

for name in sys.argv[1:]:
    source = Source(path=name, format=Format.hub, licence="MIT", gated=name.endswith("gated"))
    part = Part(source_name="hub", source=source, file=None)
    try:
        list(read_rows(part, max_row_bytes=1000, on_progress=lambda _: None))
    except SourceMissing as error:
        print(json.dumps({name: str(error)}))
"""


class Refusing(BaseHTTPRequestHandler):
    """Answers with the number in the data set's name."""

    def do_GET(self) -> None:
        code = next((code for code in (401, 403, 404) if str(code) in self.path), 404)
        self.send_response(code)
        if "gated" in self.path:
            self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def messages_of(names: list[str], tmp_path: Path, **environment: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", READ_EACH, *names],
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0", **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    messages: dict[str, str] = {}
    for line in done.stdout.splitlines():
        messages |= json.loads(line)
    return messages


def test_a_hub_that_refuses_is_one_line_with_the_cure(endpoint: str, tmp_path: Path) -> None:
    names = ["org/401", "org/401-gated", "org/403-gated", "org/404"]
    messages = messages_of(names, tmp_path, HF_ENDPOINT=endpoint)
    for name in names:
        assert messages[name].startswith(f"hub data set {name} train cannot be read (")
        assert "\n" not in messages[name]
    for name in names[1:3]:
        page = f"accept its terms at https://huggingface.co/datasets/{name} and set HF_TOKEN"
        assert page in messages[name]
    assert "401" in messages["org/401"]
    assert "check the name, the network and HF_TOKEN" in messages["org/404"]


@pytest.mark.proof
def test_a_hub_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """Slow: huggingface_hub tries five times, over 23 seconds."""
    messages = messages_of(["org/set"], tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert "hub data set org/set train cannot be read (Couldn't reach" in messages["org/set"]


def part_of(path: object, **settings: object) -> Part:
    source = Source(path=str(path), format=Format.hub, licence="MIT", **settings)  # pyright: ignore[reportArgumentType]
    return Part(source_name="hub", source=source, file=None)


def texts_of(part: Part) -> list[str]:
    rows = read_rows(part, max_row_bytes=1000, on_progress=lambda _: None)
    return [row.values["text"] for row in rows]  # pyright: ignore[reportAttributeAccessIssue, reportReturnType]


def test_streams_share_the_files_of_a_data_set(tmp_path: Path) -> None:
    for at in range(3):
        (tmp_path / f"train-{at}.jsonl").write_text(f'{{"text": "ज़िला {at}"}}\n')
    whole = texts_of(part_of(tmp_path))
    assert sorted(whole) == ["ज़िला 0", "ज़िला 1", "ज़िला 2"]
    for num_parts in (2, 3, 5):
        source = part_of(tmp_path, hub_parts=num_parts).source
        parts = [
            Part(source_name="hub", source=source, file=None, begin=begin)
            for begin in range(num_parts)
        ]
        assert [text for part in parts for text in texts_of(part)] == whole


def test_one_folder_or_file_of_a_data_set_can_be_named(tmp_path: Path) -> None:
    for code in ("id", "tl"):
        (tmp_path / code).mkdir()
        (tmp_path / code / "a.jsonl").write_text(f'{{"text": "{code}"}}\n')
    assert texts_of(part_of(tmp_path, hub_data_dir="tl")) == ["tl"]
    assert texts_of(part_of(tmp_path, hub_data_files="id/*.jsonl")) == ["id"]


def test_code_that_comes_with_a_data_set_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(SourceMissing, match=r"mine train cannot be read \("):
        texts_of(part_of(folder))
    assert not (tmp_path / "ran").exists()


def test_a_stream_that_breaks_says_where_and_is_not_skipped(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["ज़िला"] * 5}), tmp_path / "train-0.parquet")
    (tmp_path / "train-1.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(UserError, match=r"broke after row 5 \(.*run it again") as caught:
        texts_of(part_of(tmp_path))
    assert not isinstance(caught.value, SourceMissing)
