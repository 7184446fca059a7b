"""What ``lokal download`` does with a Hub that refuses, breaks off, lies, or has everything."""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "c0ffee" * 6 + "c0ff"
TOKEN = "hf_" + "Secret" * 5
WEIGHTS = bytes(range(256)) * 12_000
CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"]}).encode()


class FakeHub(BaseHTTPRequestHandler):
    """A Hub with one model under several names, each with its own fault."""

    files: dict[str, bytes]
    asked: list[tuple[str, str, str]]
    """Verb with path, Range and Authorization of every request for a file."""
    cuts_off: bool
    listed_size: int

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if "/api/" in path and "no-such" in path:
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif path.endswith("/revision/wrong"):
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif "/revision/" in path:
            self._answer(200, json.dumps({"id": self._model(path), "sha": COMMIT}).encode())
        elif "/tree/" in path:
            self._answer(200, json.dumps([self._listed(name) for name in self.files]).encode())
        else:
            self._file(path)

    def _file(self, path: str) -> None:
        authorization = self.headers.get("Authorization", "")
        self.asked.append((f"{self.command} {path}", self.headers.get("Range", ""), authorization))
        model, _, name = path.partition(f"/resolve/{COMMIT}/")
        if "gated" in model and authorization != "Bearer hf_granted":
            code = 403 if authorization else 401
            self._answer(code, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif "refused" in model:
            self._answer(403, b"")
        else:
            self._content(name, self.files[name])

    def _content(self, name: str, content: bytes) -> None:
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashed(name, content)}"'}
        if name.endswith(".safetensors") and "lies" in self.path:
            content = content[:-1] + b"x"
        start = int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        is_cut = self.cuts_off and name.endswith(".safetensors") and self.command == "GET"
        self._answer(206 if start else 200, content[start:], headers, cut=is_cut)

    def _answer(
        self, code: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False
    ) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(ConnectionError):  # the other side was killed
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.wfile.flush()
        if cut:
            self.server.hangs.wait()  # pyright: ignore[reportAttributeAccessIssue]

    def _listed(self, name: str) -> dict[str, object]:
        content = self.files[name]
        entry = {"type": "file", "path": name, "size": len(content), "oid": git_sha1(content)}
        if is_large(name):
            size = self.listed_size or len(content)
            entry |= {"size": size}
            entry["lfs"] = {"oid": hashed(name, content), "size": size, "pointerSize": 130}
        return entry

    def _model(self, path: str) -> str:
        return path.removeprefix("/api/models/").partition("/revision/")[0]

    def log_message(self, format: str, *args: object) -> None:
        pass


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".pth", ".bin"))


def hashed(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if is_large(name) else git_sha1(content)


class Hub:
    """The server, and ``lokal download`` in a process that knows no other Hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = {
            "config.json": CONFIG,
            "tokenizer.json": b"{}",
            "tokenizer_config.json": b"{}",
            "LICENSE": b"terms",
            "model.safetensors": WEIGHTS,
            "pytorch_model.bin": b"a pickle",
            "modeling_own.py": b"code",
            "original/params.json": b"{}",
            "original/tokenizer.model": b"bpe",
            "original/consolidated.00.pth": WEIGHTS[:1000],
        }
        state = {"files": files, "asked": [], "cuts_off": False, "listed_size": 0}
        self.handler = type("Handler", (FakeHub,), state)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        self.hangs = threading.Event()
        self.server.hangs = self.hangs  # pyright: ignore[reportAttributeAccessIssue]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.hangs.set()
        self.server.shutdown()
        self.server.server_close()

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        inherited = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
        return subprocess.Popen(
            [sys.executable, "-m", "lokal.recipes.download", *words],
            env=inherited
            | {
                "HF_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}",
                "HF_HOME": str(self.folder),
                "HF_HUB_OFFLINE": "0",
            }
            | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out.strip(), err

    def asked_for_weights(self) -> list[str]:
        """Return the Range of each request for the weights' content."""
        return [
            asked_range
            for asked, asked_range, _ in self.handler.asked
            if asked.startswith("GET") and asked.endswith(".safetensors")
        ]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.close()


def test_a_model_is_fetched_verified_and_then_needs_no_network(hub: Hub) -> None:
    code, out, err = hub.run("model.path=org/name@main")
    assert (code, f"main is commit {COMMIT}: pin it" in err) == (0, True), err
    folder = Path(out)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.rglob("*")) == [
        "LICENSE", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"
    ]  # fmt: skip
    assert "5 files have the content that the Hub lists" in err
    fetch = "from lokal.data.base_model import *; print(resolve_checkpoint(ModelConfig("
    fetch += f"label='x', source=ModelSource.hub, path='org/name', revision='{COMMIT}')))"
    environment = os.environ | {"HF_HOME": str(hub.folder), "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-c", fetch]
    assert subprocess.check_output(words, env=environment, text=True).strip() == out


def test_metas_own_layout_comes_on_request(hub: Hub) -> None:
    code, out, err = hub.run("model.path=org/name@main", "model.layout=original")
    assert code == 0, err
    assert sorted(path.name for path in Path(out).iterdir()) == [
        "consolidated.00.pth", "params.json", "tokenizer.model"
    ]  # fmt: skip


def test_a_refusal_is_one_line_with_the_cure(hub: Hub) -> None:
    page = "accept its licence at https://huggingface.co/org/gated"
    for words, token, code, message in [
        ("org/gated@main", "", 2, f"org/gated is gated: {page} and set HF_TOKEN"),
        ("org/gated@main", TOKEN, 2, f"the account of HF_TOKEN has no access: {page}"),
        ("org/gated@main", "hf_granted", 0, "5 files have the content"),
        ("org/no-such@main", "", 2, "no model org/no-such (HTTP 404): check the name"),
        ("org/name@wrong", "", 2, "no revision 'wrong': correct model.revision"),
        ("org/refused@main", TOKEN, 2, "refuses org/refused (HTTP 403): HF_TOKEN is wrong"),
    ]:
        found, out, err = hub.run(f"model.path={words}", HF_TOKEN=token)
        assert (found, message in err) == (code, True), err
        assert TOKEN not in out + err
        errors = [line for line in err.splitlines() if line.startswith("lokal download:")]
        assert len(errors) == (1 if code else 0)
        assert "Traceback" not in err
    written = [path for path in hub.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert written
    for path in written:
        assert TOKEN.encode() not in path.read_bytes(), path


def test_a_token_on_the_disk_is_not_used(hub: Hub) -> None:
    (hub.folder / "token").write_text("hf_granted")
    code, _, err = hub.run("model.path=org/gated@main")
    assert (code, "is gated" in err) == (2, True)
    assert {authorization for _, _, authorization in hub.handler.asked} == {""}


def test_a_killed_download_goes_on_where_it_was(hub: Hub) -> None:
    large = hub.handler.files["model.safetensors"] = WEIGHTS * 14  # written by 10 MB
    hub.handler.cuts_off = True
    process = hub.start("model.path=org/name@main")
    partial = wait_for_partial(hub.folder)
    process.kill()
    process.wait()
    done = partial.stat().st_size
    assert 0 < done < len(large)
    hub.handler.cuts_off = False
    code, out, err = hub.run("model.path=org/name@main")
    assert code == 0, err
    assert hub.asked_for_weights() == ["", f"bytes={done}-"]
    assert (Path(out) / "model.safetensors").read_bytes() == large


def wait_for_partial(folder: Path) -> Path:
    for _ in range(1200):
        found = [path for path in folder.rglob("*.partial") if path.stat().st_size]
        if found:
            return found[0]
        threading.Event().wait(0.05)
    pytest.fail("no partial file appeared")


def test_another_content_than_listed_is_refused_and_removed(hub: Hub) -> None:
    code, out, err = hub.run("model.path=org/lies@main")
    assert (code, out) == (1, "")
    assert "model.safetensors has another content than the Hub lists" in err
    assert not list(hub.folder.rglob("*.partial"))
    assert not list(hub.folder.rglob("model.safetensors"))


def test_a_file_that_was_altered_on_the_disk_is_found(hub: Hub) -> None:
    _, out, _ = hub.run("model.path=org/name@main")
    weights = Path(out) / "model.safetensors"
    weights.resolve().write_bytes(WEIGHTS[:-1] + b"x")
    code, _, err = hub.run("model.path=org/name@main")
    assert (code, "model.safetensors has another content" in err) == (1, True)
    code, _, err = hub.run("model.path=org/name@main")
    assert code == 0, err
    assert weights.read_bytes() == WEIGHTS


def test_a_disk_too_small_is_said_before_the_first_byte(hub: Hub) -> None:
    hub.handler.listed_size = 10**17
    code, _, err = hub.run("model.path=org/name@main")
    assert code == 1
    assert re.search(r"needs 100,000,000.0 GB more and \S+ has [\d.,]+ GB free: free some", err)
    assert hub.asked_for_weights() == []


def test_a_model_with_pickled_weights_alone_is_refused(hub: Hub) -> None:
    del hub.handler.files["model.safetensors"]
    code, _, err = hub.run("model.path=org/name@main")
    assert (code, "has no *.safetensors at main: pickled weights are never" in err) == (2, True)
