"""Every failure of every vendor has its class, and nothing is sent twice by an SDK."""

import re
import socket
import time

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.reply import State
from lokal.evaluation.retry import Again, Rejected
from lokal.evaluation.vendors.vendor import Vendor

from ...vendors.server import VendorServer
from .asking import KINDS, answer, ask, config, failure, question, with_vendor

FAULTS = [
    ({"act": "status", "code": 400}, Rejected, "HTTP 400: "),
    ({"act": "status", "code": 413}, Rejected, "HTTP 413: "),
    ({"act": "status", "code": 401}, UserError, "the variable LOKAL_TEST_KEY must hold a valid"),
    ({"act": "status", "code": 403}, UserError, "key that may use m-x"),
    ({"act": "status", "code": 404}, UserError, "correct baseline.model, 'm-x', which may have"),
    ({"act": "status", "code": 402}, UserError, "the account has no credit left"),
    ({"act": "status", "code": 307}, UserError, "HTTP 307"),
    ({"act": "status", "code": 408}, Again, "HTTP 408"),
    ({"act": "status", "code": 429}, Again, "HTTP 429"),
    ({"act": "status", "code": 500}, Again, "HTTP 500"),
    ({"act": "status", "code": 503}, Again, "HTTP 503"),
    ({"act": "status", "code": 529}, Again, "HTTP 529"),
    ({"act": "half"}, Again, "no connection, or it broke|no conversation"),
    ({"act": "hangup"}, Again, "no connection, or it broke"),
    ({"act": "reset"}, Again, "no connection, or it broke"),
    ({"act": "no_json"}, Again, "the reply is no"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_has_its_class_and_is_sent_once(server: VendorServer, kind: str) -> None:
    server.fail([{"at": [place], **fault} for place, (fault, _, _) in enumerate(FAULTS)])
    found = ask(config(server, kind), *(question(place) for place in range(len(FAULTS))))
    for (fault, expected, words), error in zip(FAULTS, found, strict=True):
        assert type(error) is expected, (fault, repr(error))
        assert re.search(words, str(error)), (fault, str(error))
        assert "\n" not in str(error)
    assert server.counts.told()["requests"][f"{kind} ask"] == len(FAULTS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", ["late", "drip"])
def test_one_answer_has_one_time_however_it_trickles(
    server: VendorServer, kind: str, act: str
) -> None:
    server.fail([{"act": act, "seconds": 20}])
    started = time.monotonic()
    found = failure(config(server, kind, timeout_seconds=0.4))
    assert time.monotonic() - started < 10
    assert isinstance(found, Again)
    assert "no whole reply within 0.4 s" in str(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_time_that_a_vendor_asks_for_is_handed_on(server: VendorServer, kind: str) -> None:
    limited = {"act": "status", "code": 429, "times": 1}
    server.fail([{**limited, "after": "7.5"}, {**limited, "after_date": 60}])
    told, dated = ask(config(server, kind), question(), question())
    assert isinstance(told, Again)
    assert isinstance(dated, Again)
    assert told.after_seconds == 7.5
    assert 50 < dated.after_seconds <= 60


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("bedrock", "vertex")])
def test_a_bad_key_or_model_is_found_before_anything_is_paid(kind: str) -> None:
    async def check(vendor: Vendor) -> None:
        await vendor.check()

    with VendorServer(models=["m-y"], key="another") as server:
        with pytest.raises(UserError, match="HTTP 401"):
            with_vendor(config(server, kind), check)
        server.key = None
        if kind == "azure":  # lists models, not deployments
            with_vendor(config(server, kind), check)
        else:
            with pytest.raises(UserError, match="m-x"):
                with_vendor(config(server, kind), check)
        with_vendor(config(server, kind, model="m-y"), check)
        assert server.counts.told()["billed"] == {}


@pytest.mark.parametrize(
    ("kind", "code", "reason", "message", "words"),
    [
        ("openai", 429, "insufficient_quota", "", "no credit left"),
        ("anthropic", 400, "", "Your credit balance is too low", "no credit left"),
        ("google", 400, "API_KEY_INVALID", "", "must hold a valid key"),
        ("bedrock", 400, "", "The provided model identifier is invalid.", "correct baseline.model"),
    ],
)
def test_what_looks_like_one_questions_failure_but_is_everyones_ends_the_run(
    server: VendorServer, kind: str, code: int, reason: str, message: str, words: str
) -> None:
    told = {"reason": reason} if reason else {}
    server.fail([{"act": "status", "code": code, "message": message or "because", **told}])
    with pytest.raises(UserError, match=words):
        raise failure(config(server, kind))


def test_a_broken_model_of_bedrock_is_asked_again(server: VendorServer) -> None:
    server.fail([{"act": "status", "code": 424}])
    assert isinstance(failure(config(server, "bedrock")), Again)


def test_a_filter_before_the_model_is_an_answer_that_was_blocked(server: VendorServer) -> None:
    server.fail([{"act": "status", "code": 400, "reason": "content_filter"}])
    found = answer(config(server, "azure"))
    assert (found.state, found.text, found.usage) == (State.blocked, "", None)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_a_failure_that_may_pass(kind: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with VendorServer() as server:
            settings = config(server, kind)
        settings.base_url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        assert isinstance(failure(settings, question()), Again)


def test_a_server_of_ones_own_that_is_not_there_is_said_at_once() -> None:
    async def check(vendor: Vendor) -> None:
        await vendor.check()

    with VendorServer() as server:
        settings = config(server, "openai_compatible")
    with pytest.raises(UserError, match="nothing answers at http"):
        with_vendor(settings, check)
