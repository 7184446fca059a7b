"""The loopback server itself: real SDKs stream from it, faults have a schedule, counts are kept."""

import json
import subprocess
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from .faults import Schedule
from .said import Said, usual_answer
from .server import PATHS, VendorServer

ROOT = Path(__file__).resolve().parents[2]
TEXT = "क्‍षमा करें, ज़रूर आएँगे।"


def fetch(url: str, content: bytes | None = None) -> dict:
    with urllib.request.urlopen(urllib.request.Request(url, data=content)) as found:
        return json.load(found)


def chat(server: VendorServer, text: str = "x") -> dict:
    turn = {"role": "user", "content": text}
    body = json.dumps({"model": "m-x", "messages": [turn], "max_tokens": 9}).encode()
    return fetch(f"{server.url('openai_compatible')}/chat/completions", body)


def test_openais_sdk_streams_both_ways() -> None:
    with VendorServer(answer=lambda _: Said(TEXT)) as server:
        client = openai.OpenAI(api_key="k", base_url=server.url("openai"), max_retries=0)
        turns: list = [{"role": "user", "content": "x"}]
        events = list(client.responses.create(model="m-x", input="x", stream=True))
        chunks = list(client.chat.completions.create(model="m-x", messages=turns, stream=True))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    assert len(deltas) > 2
    assert events[-1].type == "response.completed"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert chunks[-1].usage is not None


def test_anthropics_sdk_streams() -> None:
    with VendorServer(answer=lambda _: Said(TEXT, thinking="hm")) as server:
        client = anthropic.Anthropic(api_key="k", base_url=server.url("anthropic"), max_retries=0)
        turns: list = [{"role": "user", "content": "x"}]
        with client.messages.stream(model="m-x", max_tokens=99, messages=turns) as stream:
            text = "".join(stream.text_stream)
            whole = stream.get_final_message()
    assert text == TEXT
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole.stop_reason == "end_turn"


def test_googles_sdk_streams() -> None:
    with VendorServer(answer=lambda _: Said(TEXT)) as server:
        options = types.HttpOptions(base_url=server.url("google"))
        client = genai.Client(vertexai=False, api_key="k", http_options=options)
        found = list(client.models.generate_content_stream(model="m-x", contents="x"))
    assert "".join(chunk.text or "" for chunk in found) == TEXT
    assert len(found) > 2
    assert found[-1].usage_metadata is not None


def test_counts_are_read_over_http_and_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    with VendorServer(counts_file=file) as server:
        usage = chat(server)["usage"]
        counts = fetch(f"{server.address}/counts")
    billed = counts["billed"]["openai_compatible m-x"]
    assert billed["answers"] == 1
    assert billed["input_tokens"] == usage["prompt_tokens"]
    assert billed["output_tokens"] == usage["completion_tokens"]
    with VendorServer(counts_file=file) as again:
        chat(again)
        assert again.counts.told()["billed"]["openai_compatible m-x"]["answers"] == 2
        assert again.counts.told()["requests"] == {"openai_compatible ask": 2}


def test_lost_replies_are_billed_apart() -> None:
    with VendorServer([{"at": [0], "act": "half"}, {"at": [1], "act": "status", "code": 500}]) as s:
        for _ in range(2):
            with pytest.raises((OSError, HTTPException), match=r"500|IncompleteRead"):
                chat(s)
        counts = s.counts.told()
    assert counts["lost"]["openai_compatible m-x"]["answers"] == 1
    assert counts["billed"] == {}
    assert counts["statuses"] == {"500": 1}


def test_a_schedule_takes_the_first_rule_whose_conditions_all_hold() -> None:
    schedule = Schedule(
        [
            {"containing": "racun", "act": "status", "code": 400},
            {"at": [3], "act": "half"},
            {"every": 5, "act": "drip"},
            {"every": 5, "offset": 1, "times": 1, "act": "late"},
            {"from": 20, "until": 22, "act": "status", "code": 401},
            {"vendor": "google", "act": "empty"},
        ]
    )
    acts = []
    for number in range(23):
        rule = schedule.rule("ask", number=number, vendor="openai", prompt=None)
        acts.append(rule["act"] if rule else "")
    expected = {1: "late", 3: "half", 4: "drip", 9: "drip", 14: "drip", 19: "drip"}
    expected |= {20: "status", 21: "status"}
    assert {place: act for place, act in enumerate(acts) if act} == expected
    found = schedule.rule("ask", number=0, vendor="google", prompt=None)
    assert found is not None
    assert found["act"] == "empty"
    assert schedule.rule("models", number=4, vendor="openai", prompt=None) is None


@pytest.mark.parametrize("rule", [{"act": "explode"}, {"act": "half", "whenever": 1}, {}])
def test_a_rule_that_nobody_knows_is_refused(rule: dict) -> None:
    with pytest.raises(ValueError, match="no rule of a schedule"):
        Schedule([rule])


def test_the_same_question_has_the_same_answer_and_no_name_is_a_models() -> None:
    with VendorServer() as server:
        first, other = chat(server), chat(server, "y")
        again = chat(server)
    said = [found["choices"][0]["message"]["content"] for found in (first, other, again)]
    assert said[0] == said[2] != said[1]
    assert usual_answer.__module__.startswith("tests.vendors")
    assert set(PATHS) >= {"openai", "anthropic", "google", "bedrock"}


def test_it_starts_by_hand(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"act": "refused"}]), encoding="utf-8")
    command = [sys.executable, "-m", "tests.vendors", "--port", "0", "--faults", str(faults)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        found = fetch(f"{address}/openai_compatible/v1/chat/completions", body)
        assert found["choices"][0]["message"]["refusal"]
        fetch(f"{address}/faults", b"[]")
        assert fetch(f"{address}/openai_compatible/v1/chat/completions", body)["choices"][0][
            "message"
        ]["content"]
        assert fetch(f"{address}/counts")["billed"]["openai_compatible m"]["answers"] == 2
    finally:
        process.terminate()
        process.wait(timeout=10)
