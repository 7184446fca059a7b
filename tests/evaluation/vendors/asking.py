"""Asks the loopback server of all vendors through the adapters and their real SDKs."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from lokal.evaluation.vendors.build import build_vendor
from lokal.evaluation.vendors.question import Answer, Question
from lokal.evaluation.vendors.settings import VendorConfig, VendorKind
from lokal.evaluation.vendors.vendor import Batches, Vendor

from ...vendors.server import VendorServer

T = TypeVar("T")

KEY = "sk-planted/7+Q=2"
KEY_NAME = "LOKAL_TEST_KEY"
MODEL = "m-x"
KINDS = [str(kind) for kind in VendorKind]
WITH_BATCHES = ["openai", "anthropic", "google"]


def config(server: VendorServer, kind: str, **changed: Any) -> VendorConfig:
    settings: dict[str, Any] = {
        "vendor": VendorKind(kind),
        "model": MODEL,
        "base_url": server.url(kind),
        "api_key_env": KEY_NAME,
        "licence": "none",
        "source": "none",
        "timeout_seconds": 20.0,
        "parallel": 2,
        "requests_per_minute": 60,
        "tokens_per_minute": 6000,
    }
    return VendorConfig(**{**settings, **changed})


def question(number: int = 0, text: str = "ज़िला अस्पताल?", **changed: Any) -> Question:
    messages = [
        {"role": "system", "content": "Sagutin nang maikli. " * 4},
        {"role": "user", "content": f"{text} {number}"},
    ]
    key = hashlib.sha256(f"{text} {number}".encode()).hexdigest()
    fields = {"key": key, "messages": messages, "max_tokens": 60, "language": "tl"}
    return Question(**{**fields, **changed})


def with_vendor(settings: VendorConfig, use: Callable[[Vendor], Awaitable[T]]) -> T:
    async def run() -> T:
        vendor = build_vendor(settings)
        try:
            return await use(vendor)
        finally:
            await vendor.close()

    return asyncio.run(run())


def ask(settings: VendorConfig, *questions: Question) -> list[Answer | Exception]:
    """Ask one after the other; return what came, or what was raised."""

    async def use(vendor: Vendor) -> list[Answer | Exception]:
        found: list[Answer | Exception] = []
        for each in questions:
            try:
                found.append(await vendor.ask(each))
            except Exception as error:
                found.append(error)
        return found

    return with_vendor(settings, use)


def answer(settings: VendorConfig, one: Question | None = None) -> Answer:
    (found,) = ask(settings, one or question())
    assert isinstance(found, Answer), repr(found)
    return found


def failure(settings: VendorConfig, one: Question | None = None) -> Exception:
    (found,) = ask(settings, one or question())
    assert isinstance(found, Exception), repr(found)
    return found


def with_batches(settings: VendorConfig, use: Callable[[Batches], Awaitable[T]]) -> T:
    async def run(vendor: Vendor) -> T:
        assert vendor.batches is not None
        return await use(vendor.batches)

    return with_vendor(settings, run)


def body(server: VendorServer) -> dict:
    """Return the body of the last request."""
    return server.asked[-1].body
