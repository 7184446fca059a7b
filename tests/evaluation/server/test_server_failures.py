"""A server that fails in every way: nothing is lost, nothing stored is asked twice."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ...servers.chat_server import (
    ChatServer,
    Drip,
    HalfBody,
    Hangup,
    NoJson,
    Said,
    Status,
)
from .served_run import NUM_ITEMS, asked_text, counts, made, replies, run, words


def test_a_third_of_all_requests_fails_and_every_item_has_one_reply(folder: Path) -> None:
    faults = [
        Status(429, headers={"retry-after": "0.01"}),
        Status(500),
        Status(503),
        HalfBody(),
        NoJson(),
        Hangup(),
        Said(end="abort"),
        Status(408),
    ]
    with ChatServer(
        lambda _, number: faults[number // 3 % len(faults)] if number % 3 == 0 else Said()
    ) as server:
        assert run(folder, server) == 0
        num_calls = len(server.asked)
    assert [row["state"] for row in replies(folder)] == ["ok"] * NUM_ITEMS
    assert num_calls > NUM_ITEMS * 1.4


def test_a_slow_drip_ends_with_the_time_for_one_reply(folder: Path) -> None:
    started = time.monotonic()
    with ChatServer(lambda _, number: Drip() if number == 0 else Said()) as server:
        assert run(folder, server, "server.timeout_seconds=0.5") == 0
    assert time.monotonic() - started < Drip().seconds
    assert len(server.asked) == NUM_ITEMS + 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "answers HTTP 401 (because): set server.api_key_env"),
        (403, "answers HTTP 403 (because): this key may not use this model"),
        (404, "answers HTTP 404 (because): correct server.url, which ends in /v1, or server.model"),
        (307, "answers HTTP 307 (because): correct server.url"),
    ],
)
def test_a_failure_of_all_items_stops_the_run_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], status: int, message: str
) -> None:
    elsewhere = {"location": "http://127.0.0.2:9/v1/chat/completions"}

    def fail(_: dict, number: int) -> Said | Status:
        if number < 10:
            return Said()
        time.sleep(0.3)  # the ten are written down before the failure ends the run
        return Status(status, headers=elsewhere)

    with ChatServer(fail) as server:
        assert run(folder, server) == 2
        assert len(server.asked) <= 10 + 4
        error = capsys.readouterr().err
        assert message in error.strip().split("\n")[-1]
        assert "Traceback" not in error
        server.reply = lambda *_: Said()
        num_calls = len(server.asked)
        assert run(folder, server) == 0
        assert len(server.asked) - num_calls == NUM_ITEMS - 10
    assert counts(folder)["resumed_items"] == 10


def test_a_key_that_lets_nobody_in_is_found_before_the_first_item(folder: Path) -> None:
    with ChatServer(lambda *_: Said(), models=Status(401)) as server:
        assert run(folder, server) == 2
    assert server.asked == []


def test_nobody_there_is_said_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ChatServer(lambda *_: Said()) as server:
        pass
    assert run(folder, server) == 2
    assert f"nothing answers at {server.url}: start the server" in capsys.readouterr().err


def test_twenty_rejections_in_a_row_are_the_settings_fault_and_are_not_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ChatServer(lambda *_: Status(400, "seed is not supported")) as server:
        assert run(folder, server, "server.parallel=1") == 1
        assert len(server.asked) == 20
        assert "20 items in a row were rejected" in capsys.readouterr().err
        server.reply = lambda *_: Said()
        assert run(folder, server) == 0
    assert {row["state"] for row in replies(folder)} == {"ok"}


def test_a_server_that_died_ends_the_run_and_what_it_said_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ChatServer(lambda _, number: Said() if number < 12 else Status(502)) as server:
        assert run(folder, server) == 1
        assert "80 requests in a row have failed, the last with HTTP 502" in capsys.readouterr().err
        server.asked.clear()
        server.reply = lambda *_: Said()
        assert run(folder, server) == 0
        assert len(server.asked) == NUM_ITEMS - 12


def test_an_item_that_gets_no_reply_in_its_time_is_left_for_a_later_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = json.loads((folder / "hi.jsonl").read_text("utf-8").split("\n")[0])["text"]
    with ChatServer(lambda body, _: Status(503) if asked_text(body) == first else Said()) as server:
        assert run(folder, server, "server.retry_seconds=0.01") == 5
        assert "1 items got no reply in 0.01 s each" in capsys.readouterr().err
        assert not made(folder, "manifest.json").exists()
        server.asked.clear()
        server.reply = lambda *_: Said()
        assert run(folder, server) == 0
        assert server.prompts() == [first]


def test_killed_at_any_moment_it_asks_nothing_twice_that_was_stored(folder: Path) -> None:
    def slowly(body: dict, number: int) -> Said:
        time.sleep(0.02)
        return Said(f"{asked_text(body)[:9]}")

    with ChatServer(slowly) as server:
        assert run(folder, server) == 0
        whole = made(folder).read_bytes()
        other = [word.replace("name=x", "name=y") for word in words(folder, server)]
        command = [sys.executable, "-m", "lokal.recipes.evaluate", *other]
        server.asked.clear()
        kills = 0
        for wanted in (7, 19):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while len(server.asked) < wanted and time.monotonic() < deadline:
                time.sleep(0.003)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        num_calls = len(server.asked)
    assert kills == 2
    assert NUM_ITEMS < num_calls <= NUM_ITEMS + 2 * 4
    assert (folder / "runs/y/generations/served/sib200-hi.jsonl").read_bytes() == whole
