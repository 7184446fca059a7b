"""Every reply of a server ends in a named state, and is what the checkpoint itself would say."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ...servers.chat_server import (
    MODEL,
    ChatServer,
    Said,
    Status,
)
from .served_run import NUM_ITEMS, asked_text, counts, replies, run


def test_every_reply_ends_in_a_named_state(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [row["text"] for row in map(json.loads, (folder / "hi.jsonl").open())]
    special = {
        texts[0]: Said("खेल", end="length"),
        texts[1]: Said("", refusal="यह नहीं बता सकता"),
        texts[2]: Said("", end="content_filter"),
        texts[3]: Said(model="tiny-other"),
        texts[4]: Said(" \n"),
        texts[5]: Status(400, "prompt too long"),
        texts[6]: Said(end="tool_calls"),
    }
    with ChatServer(lambda body, _: special.get(asked_text(body), Said("खेल\u2028"))) as server:
        assert run(folder, server, "answers.max_new_tokens=7") == 5
        num_calls = len(server.asked)
        assert run(folder, server, "answers.max_new_tokens=7") == 5
        assert len(server.asked) == num_calls == NUM_ITEMS
    found = replies(folder)
    assert [row["state"] for row in found] == [
        "truncated",
        "refused",
        "blocked",
        "wrong_model",
        "empty",
        "error",
        "error",
        *["ok"] * (NUM_ITEMS - 7),
    ]
    assert found[1]["reply"] == "यह नहीं बता सकता"
    assert found[-1]["reply"] == "खेल\u2028"
    assert found[-1]["num_tokens"] == 3
    log = capsys.readouterr().err
    assert "is rejected: HTTP 400: prompt too long" in log
    assert "the reply ended with 'tool_calls'" in log
    assert "was answered by tiny-other" in log
    assert "a server is asked for no log-likelihoods: none for sib200-hi" in log
    assert counts(folder)["prompt_tokens"] == 20 * (NUM_ITEMS - 2)
    assert counts(folder)["reply_tokens"] == 3 * (NUM_ITEMS - 2)
    assert counts(folder)["fingerprints"] == ["b1"]
    body = server.asked[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == (MODEL, 0.0, 7)
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]


def test_tokens_that_the_server_does_not_tell_are_not_counted(folder: Path) -> None:
    with ChatServer(lambda *_: Said(usage=False)) as server:
        assert run(folder, server) == 0
    assert {"prompt_tokens", "reply_tokens"}.isdisjoint(counts(folder))
    assert replies(folder)[0]["num_tokens"] is None


def test_several_samples_have_seeds_of_their_own(folder: Path) -> None:
    with ChatServer(lambda body, _: Said(str(body["seed"]))) as server:
        assert run(folder, server, "answers.temperature=0.7", "answers.samples=2") == 0
    found = replies(folder)
    assert [row["sample"] for row in found] == [0, 1] * NUM_ITEMS
    assert max(Counter(row["reply"] for row in found).values()) == 1
    assert {body["temperature"] for body in server.asked} == {0.7}
