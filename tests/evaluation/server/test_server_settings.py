"""What a server is told, what leaves the machine, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ...servers.chat_server import (
    ChatServer,
    Said,
    Status,
)
from .served_run import NUM_ITEMS, run, words


def test_a_name_that_is_not_served_is_refused_with_those_that_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ChatServer(lambda *_: Said(), models=["b", "a"]) as server:
        assert run(folder, server) == 2
    assert "does not serve 'tiny-id': set server.model to one of a, b" in capsys.readouterr().err
    assert server.asked == []


def test_a_server_that_lists_no_models_is_asked_all_the_same(folder: Path) -> None:
    with ChatServer(lambda *_: Said(), models=Status(404)) as server:
        assert run(folder, server) == 0


def test_the_key_goes_to_the_server_and_nowhere_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "sk-planted-5f2c9"
    monkeypatch.setenv("TINY_KEY", key)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ambient")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Own: ambient")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    def echo(body: dict, number: int) -> Said | Status:
        match number % 4:
            case 0:
                return Said(f"your key is {key}")
            case 1:
                return Said(model=f"model of {key}")
            case 2:
                return Status(400, f"Bearer {key}")
        return Said(end=key)

    with ChatServer(echo) as server:
        words = ["server.api_key_env=TINY_KEY", "server.parallel=1"]
        assert run(folder, server, *words) == 5
        assert run(folder, server, *words, "--cfg") == 0
        server.reply = lambda *_: Status(401, f"wrong key {key}")
        assert run(folder, server, *words, "languages=[id]", "--debug") == 2
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 3
    assert [path for path in written if key.encode() in path.read_bytes()] == []
    said = capfd.readouterr()
    assert "***" in said.err
    assert key not in said.out + said.err
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {key}"}
    assert "ambient" not in str(server.headers)
    assert not any(name.startswith("x-") for headers in server.headers for name in headers)


def test_without_a_named_variable_no_key_is_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient")
    with ChatServer(lambda *_: Said()) as server:
        assert run(folder, server) == 0
    assert not any("authorization" in headers for headers in server.headers)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["server.url=http://user:secret@127.0.0.1/v1"], "must hold no user, password or query"),
        (["server.url=127.0.0.1:8000"], "server.url must be as http://127.0.0.1:8000/v1"),
        (["server.url=https://models.example/v1"], "server.may_leave=true if their licences"),
        (["server.url=http://10.0.0.7:8000/v1"], "is on another machine (10.0.0.7)"),
        (["server.api_key_env=sk-secret-1"], "takes the NAME of an environment variable"),
        (["server.api_key_env=LOKAL_NO_SUCH_KEY"], "LOKAL_NO_SUCH_KEY holds no key, set it"),
        (["server.parallel=0"], "server.parallel must be 1 or more, got 0"),
        (["server.timeout_seconds=0"], "server.timeout_seconds must be above 0"),
        (["server.model="], "server.model is empty"),
        (["suite.is_generated=false"], "log-likelihood only, which no server is asked"),
        (["model=smollm2_135m"], "got 2 of them"),
    ],
)
def test_senseless_settings_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    with ChatServer(lambda *_: Said()) as server:
        assert run(folder, server, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "secret" not in error
    assert server.asked == []


def test_what_leaves_the_machine_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ChatServer(lambda *_: Said()) as server:
        away = ["server.url=http://lokal.invalid/v1", "server.may_leave=true"]
        shipped = "suite.items.test='sample:sib200/{region}_test.jsonl'"
        assert run(folder, server, *away, shipped) == 2
    error = capsys.readouterr().err
    assert "sends 163 items (sib200-hi) to lokal.invalid, another machine" in error
    assert "sib200-hi: 163 items, on the allow-list, no personal value" in error
    assert "nothing answers at http://lokal.invalid/v1" in error


def test_another_address_is_another_system_unless_a_revision_is_named(folder: Path) -> None:
    with ChatServer(lambda *_: Said()) as one, ChatServer(lambda *_: Said()) as other:
        assert run(folder, one) == 0
        assert run(folder, other, "languages=[id]") == 2
        named = ["system=named", "server.revision=abc-q4"]
        assert run(folder, one, *named) == 0
        assert run(folder, other, *named, "languages=[hi,id]") == 0
        assert len(other.asked) == NUM_ITEMS


def test_without_the_package_one_line_says_how_to_get_it(folder: Path) -> None:
    hide = "import sys; sys.modules['openai'] = None; "
    with ChatServer(lambda *_: Said()) as server:
        code = f"{hide}from lokal.recipes.evaluate import evaluate; "
        code += f"sys.exit(evaluate.main({words(folder, server)!r}))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
    assert done.returncode == 2
    assert "server=... needs the openai package: pip install 'lokal[server]'" in done.stderr
