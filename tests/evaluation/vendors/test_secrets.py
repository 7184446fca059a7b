"""The key goes to its vendor and nowhere else; nothing of the environment goes along."""

import traceback

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.vendors.key import Key
from lokal.evaluation.vendors.question import Answer
from lokal.evaluation.vendors.vendor import Batches

from ...vendors.said import Said
from ...vendors.server import VendorServer
from .asking import KEY, KEY_NAME, KINDS, WITH_BATCHES, ask, config, question, with_batches

AMBIENT = {
    "OPENAI_API_KEY": "sk-ambient",
    "OPENAI_ORG_ID": "org-ambient",
    "OPENAI_PROJECT_ID": "project-ambient",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/ambient",
    "OPENAI_CUSTOM_HEADERS": "X-Own: ambient",
    "ANTHROPIC_API_KEY": "sk-ambient",
    "ANTHROPIC_AUTH_TOKEN": "sk-ambient",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/ambient",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Own: ambient",
    "ANTHROPIC_PROFILE": "ambient",
    "GOOGLE_API_KEY": "sk-ambient",
    "GEMINI_API_KEY": "sk-ambient",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_CLOUD_PROJECT": "ambient",
    "GOOGLE_CLOUD_LOCATION": "ambient",
    "GOOGLE_GENAI_API_VERSION": "ambient",
    "AWS_ACCESS_KEY_ID": "ambient",
    "AWS_SECRET_ACCESS_KEY": "ambient",
    "AWS_BEARER_TOKEN_BEDROCK": "ambient",
    "AWS_PROFILE": "ambient",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9/ambient",
    "http_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}
KEY_HEADERS = {"google": ("x-goog-api-key", KEY)}
MEANT = {"host", "accept", "content-type", "content-length", "connection", "user-agent"}
MEANT |= {"accept-encoding"}  # identity, by Python's own http.client under boto3
FAULTS = [
    {"act": "status", "code": 400, "message": f"Bearer {KEY}"},
    {"act": "status", "code": 401, "message": f"wrong key {KEY}"},
    {"act": "status", "code": 500, "message": f"{KEY} broke it", "after": KEY},
    {"act": "status", "code": 429, "reason": KEY},
    {"act": "strange"},
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_a_vendor_echoes_is_nowhere(kind: str) -> None:
    with VendorServer(answer=lambda p: Said(f"your key is {KEY}", model=f"m {KEY}")) as server:
        server.fail([{"at": [place], **fault} for place, fault in enumerate(FAULTS)])
        found = ask(config(server, kind), *(question(place) for place in range(6)))
    assert isinstance(found[-1], Answer)
    assert "your key is ***" in found[-1].text
    for one in found:
        if isinstance(one, Exception):  # and what stands behind it, as --debug prints it
            told = "".join(traceback.format_exception(one))
            for error in (one, one.__cause__, one.__context__):
                told += repr(error) + repr(vars(error) if error else "")
        else:
            told = repr(one)
        assert KEY not in told, told
        assert KEY.replace("/", "\\/") not in told


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_key_that_was_named_is_sent_and_nothing_else_of_the_environment(
    kind: str, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    (found,) = ask(config(server, kind), question())
    assert isinstance(found, Answer), repr(found)
    (asked,) = server.asked
    name, value = KEY_HEADERS.get(kind, ("authorization", f"Bearer {KEY}"))
    assert asked.headers[name] == value
    assert asked.headers["user-agent"] == "lokal"
    assert set(asked.headers) - {name, "anthropic-version"} <= MEANT
    assert "ambient" not in str(asked)


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_a_key_in_the_results_of_a_batch_is_cut_out(kind: str) -> None:
    async def use(batches: Batches) -> str:
        name = await batches.create("n0", [question(0), question(1)])
        await batches.status(name)
        return repr([row async for row in batches.results(name)])

    with VendorServer(answer=lambda _: Said(f"key {KEY}")) as server:
        told = with_batches(config(server, kind), use)
    assert "key ***" in told
    assert KEY not in told


def test_results_at_another_host_are_not_fetched_with_the_key(server: VendorServer) -> None:
    """Anthropic tells where the results are: whoever answers could name a host of his own."""

    async def use(batches: Batches) -> None:
        name = await batches.create("n0", [question()])
        await batches.status(name)
        async for _ in batches.results(name):
            pass

    with VendorServer() as elsewhere:
        place = elsewhere.address.removeprefix("http://")
        server.say_host = place
        with pytest.raises(Exception, match="another host than was agreed to"):
            with_batches(config(server, "anthropic"), use)
        assert elsewhere.asked == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_named_variable_no_key_is_sent(
    kind: str, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    (found,) = ask(config(server, kind, api_key_env=""), question())
    assert isinstance(found, Answer if kind == "openai_compatible" else UserError)
    assert not {"authorization", "x-api-key", "x-goog-api-key", "api-key"} & {
        *server.asked[0].headers
    }


@pytest.mark.parametrize("value", ["", "  ", "line\nbreak", "ключ"])
def test_a_variable_without_a_key_is_refused_without_its_value(
    value: str, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_NAME, value)
    with pytest.raises(UserError, match=f"environment variable {KEY_NAME} holds no key") as caught:
        ask(config(server, "openai"), question())
    assert not value.strip() or value not in str(caught.value)


def test_a_key_prints_as_nothing_and_leaves_any_json() -> None:
    key = Key(KEY)
    assert KEY not in repr(key)
    inner = {"a": [f"x{KEY}", 1, None], KEY: {"b": KEY}}
    assert key.clean_json(inner) == {"a": ["x***", 1, None], "***": {"b": "***"}}
    assert key.clean_bytes(b'"sk-planted\\/7+Q=2"') == b'"***"'
    assert Key("").clean_json({"a": "b"}) == {"a": "b"}
