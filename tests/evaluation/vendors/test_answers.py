"""Every answer of every vendor ends in a named state, with its usage and the model that gave it."""

import json

import pytest
from lokal.evaluation.reply import State
from lokal.evaluation.vendors.question import Answer, Usage

from ...vendors.said import Prompt, Said
from ...vendors.server import VendorServer
from .asking import KINDS, MODEL, answer, ask, body, config, question

SCHEMA = {
    "type": "object",
    "properties": {"winner": {"type": "string", "enum": ["B", "A"]}},
    "required": ["winner"],
    "additionalProperties": False,
}
TELLS_NO_CACHE = ["bedrock"]
TELLS_NO_CACHE_WRITES = ["google", "bedrock"]
TELLS_NO_REASONING = ["bedrock"]


ENDS = {
    "refused": State.refused,
    "blocked": State.blocked,
    "truncated": State.truncated,
    "empty": State.empty,
    "wrong_model": State.wrong_model,
    "thinking": State.ok,
    "strange": State.error,
}
OWN_ENDS = {
    "google": {"refused": State.blocked},
    "anthropic": {"blocked": State.refused},
    "bedrock": {"refused": State.blocked, "wrong_model": State.ok},
}
"""What a vendor does not tell apart; Bedrock does not say which model has answered."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_end_has_its_state(server: VendorServer, kind: str) -> None:
    server.fail([{"at": [place], "act": act} for place, act in enumerate(ENDS)])
    found = ask(config(server, kind), *(question(place) for place in range(len(ENDS))))
    for act, one in zip(ENDS, found, strict=True):
        assert isinstance(one, Answer), (act, repr(one))
        state = OWN_ENDS.get(kind, {}).get(act, ENDS[act])
        assert one.state is state, act
        assert one.usage is not None
        assert one.raw
        assert one.model == ("another-model" if state is State.wrong_model else MODEL)
        assert "first this" not in one.text


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_brings_text_request_and_usage_as_the_vendor_bills_it(kind: str) -> None:
    def think(prompt: Prompt) -> Said:
        return Said("क्‍षमा करें\u2028ज़रूर", thinking="hmm" * 9)

    with VendorServer(answer=think) as server:
        first = answer(config(server, kind))
        second = answer(config(server, kind), question(1))
        billed = server.counts.told()["billed"][f"{kind} {MODEL}"]
    assert (first.text, first.state) == ("क्‍षमा करें\u2028ज़रूर", State.ok)
    assert first.request_id
    assert first.usage is not None
    assert second.usage is not None
    total = Usage(*(a + b for a, b in zip(first.usage, second.usage, strict=True)))
    assert total.reasoning_tokens == (0 if kind in TELLS_NO_REASONING else 2 * 7)
    assert second.usage.cached_tokens == (0 if kind in TELLS_NO_CACHE else 25)
    assert first.usage.cache_write_tokens == (0 if kind in TELLS_NO_CACHE_WRITES else 25)
    if kind in TELLS_NO_REASONING:
        total = total._replace(reasoning_tokens=2 * 7)
    assert {"answers": 2, **total._asdict()} == billed


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_follows_a_schema(server: VendorServer, kind: str) -> None:
    found = answer(config(server, kind), question(schema=SCHEMA))
    assert json.loads(found.text) == {"winner": "B"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_answer_says_so_and_the_floor_under_its_length_is_kept(
    server: VendorServer, kind: str
) -> None:
    cut = answer(config(server, kind), question(max_tokens=1))
    assert (len(cut.text), cut.state) == (4, State.truncated)
    whole = answer(config(server, kind, min_output_tokens=50), question(max_tokens=1))
    assert whole.state is State.ok


def test_nothing_left_of_an_answer_by_its_reasoning_is_truncated_not_empty() -> None:
    with VendorServer(answer=lambda _: Said("ya", thinking="x" * 4000)) as server:
        found = answer(config(server, "openai"))
    assert (found.text, found.state) == ("", State.truncated)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "anthropic"])
def test_only_what_is_set_is_sent(server: VendorServer, kind: str) -> None:
    answer(config(server, kind))
    plain = json.dumps(body(server))
    assert "temperature" not in plain
    assert "seed" not in plain
    assert "effort" not in plain
    answer(config(server, kind, temperature=0.5))
    assert '"temperature": 0.5' in json.dumps(body(server))


@pytest.mark.parametrize("kind", ["google", "vertex", "azure", "openai_compatible"])
def test_each_sample_has_a_seed_of_its_own(server: VendorServer, kind: str) -> None:
    answer(config(server, kind, seed=7), question(sample=2))
    assert '"seed": 9' in json.dumps(body(server))


@pytest.mark.parametrize(
    ("kind", "effort", "sent"),
    [
        ("openai", "low", {"reasoning": {"effort": "low"}}),
        ("anthropic", "max", {"output_config": {"effort": "max"}}),
        ("openai_compatible", "high", {"reasoning_effort": "high"}),
        ("bedrock", "low", {"outputConfig": {"effort": "low"}}),
    ],
)
def test_effort_is_sent_where_the_vendor_wants_it(
    server: VendorServer, kind: str, effort: str, sent: dict
) -> None:
    answer(config(server, kind, effort=effort))
    assert sent.items() <= body(server).items()


def test_gemini_thinks_as_hard_as_it_is_told(server: VendorServer) -> None:
    answer(config(server, "google", effort="low"))
    thinking = body(server)["generationConfig"]["thinkingConfig"]
    assert [*thinking.values()] == ["LOW"]


def test_openai_keeps_nothing_and_is_led_to_one_cache(server: VendorServer) -> None:
    answer(config(server, "openai"))
    first = body(server)
    answer(config(server, "openai"), question(1))
    assert first["store"] is False
    assert first["prompt_cache_key"] == body(server)["prompt_cache_key"]


def test_claude_caches_what_stands_before_the_last_turn(server: VendorServer) -> None:
    answer(config(server, "anthropic"))
    assert body(server)["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in body(server)["messages"][-1]["content"][-1]


def test_azure_is_asked_by_its_deployment_and_answers_by_its_model(server: VendorServer) -> None:
    settings = config(server, "azure", deployment="ours", api_version="2024-10-21")
    with VendorServer(answer=lambda _: Said("ya", model=MODEL)) as running:
        settings.base_url = running.url("azure")
        assert answer(settings).state is State.ok
        assert body(running)["model"] == "ours"
        assert running.asked[-1].query == {"api-version": "2024-10-21"}


def test_gemini_is_not_asked_on_by_its_sdk_where_an_answer_could_be_continued() -> None:
    with VendorServer(answer=lambda _: Said("ya", end="continued")) as server:
        found = answer(config(server, "google"))
        assert len(server.asked) == 1
    assert (found.text, found.state) == ("ya", State.truncated)


def test_gemini_in_a_cloud_project_is_asked_there(server: VendorServer) -> None:
    assert answer(config(server, "google", project="p1", location="eu-x")).state is State.ok
    place = "projects/p1/locations/eu-x/publishers/google/models/m-x:generateContent"
    assert server.asked[-1].path.endswith(place)
    assert server.asked[-1].headers["authorization"].startswith("Bearer sk-")
