"""The cap holds with many requests in flight; prices and forecasts err on the safe side."""

import asyncio
from random import Random

import pytest
from lokal.data.errors import ExitCode, UserError
from lokal.evaluation.cost import load_prices
from lokal.evaluation.leaving import Leaving
from lokal.evaluation.spending.budget import Budget, CapReached
from lokal.evaluation.spending.forecast import Forecast, make_forecast, require_consent
from lokal.evaluation.spending.price import Price, find_price, most_input_tokens
from lokal.evaluation.spending.settings import Limits
from lokal.evaluation.vendors.question import Question, Usage

from .fake_vendor import questions

PRICES = load_prices("vendors")
HERE = Leaving(host="127.0.0.1", is_local=True, parts=(), accept_pii=False, setting="accept_pii")


def test_many_in_flight_never_pass_the_cap_and_use_it_up() -> None:
    random, budget = Random(3), Budget(cap_usd=10.0)
    highest, stopped = 0.0, 0

    async def one() -> None:
        nonlocal highest, stopped
        try:
            await budget.reserve(1.0)
        except CapReached:
            stopped += 1
            return
        highest = max(highest, budget.spent_usd + budget.reserved_usd)
        await asyncio.sleep(random.uniform(0, 0.002))
        await budget.settle(1.0, spent_usd=random.uniform(0.05, 0.3))

    async def run() -> None:
        await asyncio.gather(*(one() for _ in range(200)))

    asyncio.run(run())
    assert highest <= 10.0 + 1e-6
    assert stopped
    assert 9.0 < budget.spent_usd <= 10.0
    assert budget.reserved_usd == 0


def test_what_may_be_billed_counts_against_the_cap() -> None:
    budget = Budget(cap_usd=2.0, held_usd=1.5)
    with pytest.raises(CapReached, match=r"the cap of 2 USD is reached.*1\.5000 held") as error:
        asyncio.run(budget.reserve(1.0))
    assert error.value.code is ExitCode.PARTIAL


def test_unknown_discounts_are_none_and_known_ones_count() -> None:
    usage = Usage(1_000_000, 0, cached_tokens=400_000, cache_write_tokens=200_000)
    assert Price(1.0, 5.0).usd(usage) == pytest.approx(0.8 + 0.25)
    known = Price(1.0, 5.0, cached_factor=0.1, cache_write_factor=1.0, batch_factor=0.5)
    assert known.usd(usage) == pytest.approx(0.4 + 0.04 + 0.2)
    assert known.usd(usage, batch=True) == pytest.approx(0.32)


def test_the_worst_case_covers_every_byte_a_token() -> None:
    text = "क़ानून 🙂 ibu"
    question = Question("k", [{"role": "user", "content": text}], 100, "hi")
    assert most_input_tokens(question) >= len(text.encode())
    price = Price(1.0, 5.0)
    dearest = Usage(
        most_input_tokens(question), 100, cache_write_tokens=most_input_tokens(question)
    )
    assert price.usd(dearest) <= price.worst_usd(question) + 1e-12


def test_a_snapshot_costs_what_its_model_costs_and_an_unknown_model_is_refused() -> None:
    assert find_price("gpt-4.1-2025-04-14", PRICES) == find_price("gpt-4.1", PRICES)
    assert find_price("claude-haiku-4-5", PRICES).batch_factor == 0.5
    for model in ("gpt-4.1-mini", "GPT-4", "nobody-1"):
        with pytest.raises(UserError, match=f"price of {model} is unknown.*price.input_usd"):
            find_price(model, PRICES)


def forecast(number: int) -> Forecast:
    return make_forecast(
        questions(number),
        system="fake",
        price=Price(100.0, 100.0),
        limits=Limits(),
        num_known=3,
        limit_usd=50.0,
        spent_usd=1.0,
    )


def test_the_forecast_says_items_tokens_price_time_and_an_upper_bound() -> None:
    found = forecast(100)
    assert found.usd < found.most_usd
    text = "\n".join(found.lines())
    assert "100 questions, 3 are answered already" in text
    assert f"at most {found.most_usd:.4f}" in text
    assert "500 requests" in text
    assert "the cap of 50 USD may stop it" not in text
    assert "the cap of 50 USD may stop it" in "\n".join(forecast(5000).lines())


def test_money_needs_consent_above_the_limit() -> None:
    found = forecast(100)
    require_consent(found, HERE, confirmed_usd=found.most_usd, ask=None)
    with pytest.raises(UserError, match=r"nobody is there to be asked: add confirm_cost=true"):
        require_consent(found, HERE, confirmed_usd=0.01, ask=None)
    require_consent(found, HERE, confirmed_usd=0.01, ask=lambda _: "y")
    with pytest.raises(UserError, match="nothing was sent"):
        require_consent(found, HERE, confirmed_usd=0.01, ask=lambda _: "")
