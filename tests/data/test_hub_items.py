"""Items of a benchmark on the Hub: read once at a commit, then a file like any other."""

import hashlib
import io
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
from lokal.data.decontamination.held_items import (
    DecontaminateConfig,
    list_held_files,
    read_held_items,
)
from lokal.data.errors import UserError
from lokal.data.hub_items import HubItems, MissingItems
from lokal.data.suite import Suite, items_path, load_suite

COMMIT = "c0ffee" * 6 + "c0ff"
QUESTIONS = {
    "id": ("Apa ibu kota Jawa Tengah?", ["Solo", "Semarang", "Kudus"]),
    "hi": ("क्‍षेत्र का मुख्य ज़िला कौन-सा है?", ["पटना", "मुज़फ़्फ़रपुर", "गया"]),
    "tl": ("Ano ang kabisera ng Bohol?", ["Tagbilaran", "Cebu", "Iloilo"]),
}
NUM_ROWS = 3


def parquet(code: str) -> bytes:
    question, choices = QUESTIONS[code]
    rows = {
        "soal": [f"{question} ({at})" for at in range(NUM_ROWS)],
        **{f"option_{at}": [choice] * NUM_ROWS for at, choice in enumerate(choices)},
        "kunci": ["B", "A", "C"],
        "topik": ["geografi", None, "geografi"],
    }
    stream = io.BytesIO()
    pq.write_table(pa.table(rows), stream)
    return stream.getvalue()


README = (
    "---\nconfigs:\n"
    + "".join(
        f"- config_name: {code}\n  data_files:\n  - split: ujian\n    path: {code}/ujian.parquet\n"
        for code in QUESTIONS
    )
    + "---\n"
)
FILES = {f"{code}/ujian.parquet": parquet(code) for code in QUESTIONS} | {
    "README.md": README.encode(),
    "satu.csv": (
        b'soal,opsi,kunci\n"Siapa?","A. Ani\nB. Budi, anak\nC. Cici",b\n"Apa?","A. ini\nB. itu",A\n'
    ),
}


class FakeHub(BaseHTTPRequestHandler):
    """A Hub with one data set under several names, each with its own fault."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].replace("%2F", "/")
        if code := next((code for code in (401, 403, 404) if f"org/{code}" in path), 0):
            error = {401: "GatedRepo", 403: "GatedRepo", 404: "RepoNotFound"}[code]
            self._answer(code, b"", {"X-Error-Code": error})
        elif "/resolve/" in path:
            name = path.partition(f"/resolve/{COMMIT}/")[2]
            self._file(FILES.get(name))
        elif "/revision/" in path:
            self._json({"id": "org/set", "sha": COMMIT, "siblings": []})
        elif "/tree/" in path:
            below = path.partition(f"/tree/{COMMIT}")[2].strip("/")
            self._json([entry(name) for name in FILES if name.startswith(below)])
        else:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._json([entry(name) for name in FILES])

    def _file(self, content: bytes | None) -> None:
        if content is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        asked = self.headers.get("Range")
        if asked:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            begin, end = int(low), min(int(high or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
            self._answer(206, content[begin : end + 1], headers)
        else:
            self._answer(200, content, headers)

    def _json(self, value: object) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def entry(name: str) -> dict[str, object]:
    content = FILES[name]
    oid = hashlib.sha1(content).hexdigest()
    return {"type": "file", "path": name, "size": len(content), "oid": oid}


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


READ = """
import json, sys
from lokal.data.hub_items import MissingItems
from lokal.data.suite import load_suite, items_path
from lokal.evaluation.items import read_items

for word in sys.argv[1:]:
    name, _, code = word.partition(":")
    suite = load_suite(name)
    try:
        path = items_path(suite, split="test", language=code)
        items = read_items(suite, split="test", language=code)
        print(json.dumps([word, [item.row for item in items], str(path)]))
    except MissingItems as error:
        print(json.dumps([word, str(error), ""]))
"""

SUITE = f"""# x
name: NAME
format: choice
task: choice
likelihood: labels
category: subject
items: {{test: 'hub:ujian'}}
hub:
  id: ID
  revision: {COMMIT}
  configs: {{id: id, hi: hi, tl: tl}}
  columns: {{question: soal, subject: topik}}
  choices: [option_0, option_1, option_2]
  answer: kunci
  answer_as: letter
protect: [question]
licence: MIT
source: here
"""
ONE_FILE = (
    SUITE.replace("configs: {id: id, hi: hi, tl: tl}", "configs: {id: ''}\n  file: satu.csv")
    .replace("[option_0, option_1, option_2]", "[opsi]")
    .replace(", subject: topik", "")
)


@pytest.fixture
def read(endpoint: str, tmp_path: Path):
    """Return what suites hold, read by a process that knows only this Hub."""
    folder = tmp_path / "configs" / "suite"
    folder.mkdir(parents=True)
    for name, id, text in [
        ("whole", "org/set", SUITE),
        ("single", "org/set", ONE_FILE),
        *[(f"no{code}", f"org/{code}", SUITE) for code in (401, 403, 404)],
    ]:
        (folder / f"{name}.yaml").write_text(text.replace("NAME", name).replace("ID", id, 1))

    def run(*words: str, **environment: str) -> list[list]:
        done = subprocess.run(
            [sys.executable, "-c", READ, *words],
            env={
                **os.environ,
                "HF_HOME": str(tmp_path / "hf"),
                "HF_HUB_OFFLINE": "0",
                "HF_ENDPOINT": endpoint,
                "LOKAL_CACHE": str(tmp_path / "cache"),
                "LOKAL_CONFIG_DIR": str(tmp_path / "configs"),
                **environment,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_items_are_read_once_and_then_need_no_network(read, tmp_path: Path) -> None:
    words = ["whole:id", "whole:hi", "whole:tl", "single:id"]
    first = read(*words)
    for (_, rows, _), (question, choices) in zip(first, QUESTIONS.values(), strict=False):
        assert [row["question"] for row in rows] == [f"{question} ({at})" for at in range(3)]
        assert [row["answer"] for row in rows] == [1, 0, 2]
        assert {tuple(row["choices"]) for row in rows} == {tuple(choices)}
        assert [row["id"] for row in rows] == ["whole/0", "whole/1", "whole/2"]
    assert [row["choices"] for row in first[3][1]] == [
        ["Ani", "Budi, anak", "Cici"],
        ["ini", "itu"],
    ]
    assert [row["answer"] for row in first[3][1]] == [1, 0]
    again = read(*words, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert again == first
    folder = tmp_path / "cache" / "items" / "whole"
    assert sorted(path.name[:9] for path in folder.iterdir()) == [
        "ujian-hi-",
        "ujian-id-",
        "ujian-tl-",
    ]


def test_a_refusal_is_one_line_with_the_cure(read, endpoint: str) -> None:
    found = {word: message for word, message, _ in read("no401:id", "no403:hi", "no404:tl")}
    for code, region in ((401, "id"), (403, "hi"), (404, "tl")):
        message = found[f"no{code}:{region}"]
        assert message.startswith(f"org/{code} {region} ujian at c0ffeec0ffee cannot be read")
        assert "\n" not in message
    page = "accept its terms at https://huggingface.co/datasets/org/40"
    assert page in found["no401:id"]
    assert page in found["no403:hi"]
    assert "check hub.id, revision" in found["no404:tl"]
    (offline,) = read("whole:tl", HF_HUB_OFFLINE="1")
    assert "cannot be read from the Hub" in offline[1]
    assert "HF_HUB_OFFLINE" in offline[1]


def own(**changes: object) -> HubItems:
    values: dict = {
        "id": "org/set",
        "configs": {"hi": ""},
        "columns": {"question": "q"},
        "choices": ["a", "b"],
    }
    return HubItems(**(values | changes))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("settings", "values", "choices", "answer"),
    [
        ({}, {"answer": 1}, ["पटना", "गया"], 1),
        ({"answer_as": "index1"}, {"answer": "1"}, ["पटना", "गया"], 0),
        ({"answer_as": "letter"}, {"answer": " b"}, ["पटना", "गया"], 1),
        ({"answer_as": "text"}, {"answer": "गया"}, ["पटना", "गया"], 1),
        ({"answer_as": "column"}, {"answer": "b"}, ["पटना", "गया"], 1),
        ({"choices": ["all"]}, {"all": ["x", "y", "z"], "answer": 2}, ["x", "y", "z"], 2),
        ({"choices": ["all"]}, {"all": "A. x, B. q\nB. y\n", "answer": 1}, ["x, B. q", "y"], 1),
        ({"choices": ["all"]}, {"all": "['A. x', 'B. y']", "answer": 0}, ["x", "y"], 0),
    ],
)
def test_every_form_of_options_and_answers_becomes_ours(
    settings: dict, values: dict, choices: list[str], answer: int
) -> None:
    row = {"q": "कौन-सा?", "a": "पटना", "b": "गया", **values}
    item = own(**settings).to_item(row, default_id="x/0")
    expected = {"id": "x/0", "question": "कौन-सा?", "choices": choices, "answer": answer}
    assert item == expected


@pytest.mark.parametrize(
    ("settings", "values", "message"),
    [
        ({}, {"answer": 2}, r"answer is '2', which names none of 2 options \(answer_as: index0\)"),
        ({}, {"answer": "-1"}, "answer is '-1', which names none"),
        ({}, {"answer": None}, "answer is 'None', which names none"),
        ({}, {"a": None}, "a, b is empty"),
        ({}, {"q": ""}, "q is empty"),
        ({"answer_as": "letter"}, {"answer": "AB"}, "answer is 'AB', which names none"),
        ({"columns": {"question": "soal"}}, {}, r"no column 'soal' \(the row has q, a, b, answer"),
        ({"choices": ["all"]}, {"all": "x\ny"}, "the options are no lines with letters from A on"),
        ({"choices": ["all"]}, {"all": "['x'"}, "the options are no list"),
    ],
)
def test_a_row_that_cannot_be_asked_says_why(settings: dict, values: dict, message: str) -> None:
    row = {"q": "Apa?", "a": "ini", "b": "itu", "answer": 0, **values}
    with pytest.raises(ValueError, match=message):
        own(**settings).to_item(row, default_id="x/0")


def test_two_columns_make_one_id() -> None:
    hub = own(columns={"id": "link+number", "question": "q"})
    row = {"link": "wiki", "number": 7, "q": "Ano?", "a": "x", "b": "y", "answer": 0}
    assert hub.to_item(row, default_id="x/0")["id"] == "wiki/7"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "set"}, r"suite\.hub needs an id as in org/name"),
        ({"choices": []}, r"suite\.hub needs an id as in org/name, configs by region, and choices"),
        ({"revision": "main"}, r"suite\.hub\.revision=main is no commit of 40 hexadecimal digits"),
        ({"answer_as": "number"}, "'number' is not a valid AnswerAs"),
    ],
)
def test_wrong_settings_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        own(**changes)


def test_a_suite_without_a_commit_is_refused_wherever_its_items_are_wanted() -> None:
    pin = r"xcopa lies on the Hub \(cambridgeltl/xcopa\) and names no commit: pin a commit: suite\."
    with pytest.raises(UserError, match=pin):
        items_path(load_suite("xcopa"), split="test", language="id")
    with pytest.raises(UserError, match=pin):
        list_held_files(DecontaminateConfig(suites=["xcopa"]))
    with pytest.raises(MissingItems, match="xcopa has no items in 'hi': it has id"):
        items_path(load_suite("xcopa"), split="test", language="hi")


def test_what_was_read_is_kept_out_of_training_without_a_few_broken_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"q": "Ano ang kabisera?", "a": "Tagbilaran", "b": "Cebu", "answer": 0}
    broken = {**row, "answer": None}
    rows = [row] * 100 + [broken]
    monkeypatch.setenv("LOKAL_CACHE", str(tmp_path))
    monkeypatch.setattr("lokal.data.hub_items._open", lambda *_, **__: iter(rows))
    suite = Suite(
        name="own",
        items={"test": "hub:test"},
        format="choice",
        task="choice",
        licence="MIT",
        source="here",
        protect=["question"],
        hub=own(configs={"tl": "", "hi": ""}, revision=COMMIT),
    )
    path = items_path(suite, split="test", language="tl")
    held = list(read_held_items(suite, split="test", path=path))
    assert [item.groups for item in held] == [[["Ano ang kabisera?"]]] * 100
    assert "left out 1 of 101, row 101: answer is 'None'" in capsys.readouterr().err
    rows[:] = [row, broken]
    with pytest.raises(
        UserError, match=r"^org/set test at c0ffeec0ffee has 1 rows of 2 .* row 2: answer"
    ):
        items_path(suite, split="test", language="hi")
    assert items_path(suite, split="test", language="tl") == path
