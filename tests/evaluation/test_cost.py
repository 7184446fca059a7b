"""Cost on both sides, and the table of vendors' prices."""

from dataclasses import replace
from pathlib import Path

import pytest
from lokal.data.config_files import CONFIG_FOLDER_VARIABLE
from lokal.data.errors import UserError
from lokal.evaluation.cost import (
    ServingCost,
    TokenCounts,
    VendorPrice,
    load_prices,
    own_cost,
    throughput,
    vendor_cost,
)

PRICE = VendorPrice(
    model="some", input_usd=2.0, output_usd=8.0, as_of="2026-11-27", source="https://example.org"
)


def test_a_vendors_two_prices_are_weighed_by_the_mix_of_tokens() -> None:
    cost = vendor_cost(PRICE, TokenCounts(prompt=3_000, reply=1_000))
    assert cost.usd_per_million == pytest.approx((3 * 2 + 1 * 8) / 4)
    assert cost.basis == "list price, read 2026-11-27: https://example.org"


@pytest.mark.parametrize("lacking", ["input_usd", "output_usd", "as_of", "source"])
def test_a_price_without_its_day_or_source_is_unknown(lacking: str) -> None:
    price = replace(PRICE, **{lacking: None})
    assert vendor_cost(price, TokenCounts(1, 1)) == (None, "price unknown")


def test_a_model_that_is_not_in_the_table_and_tokens_not_counted_have_no_price() -> None:
    assert vendor_cost(None, TokenCounts(1, 1)) == (None, "price unknown")
    assert vendor_cost(PRICE, None) == (None, "tokens not counted")
    assert vendor_cost(PRICE, TokenCounts(0, 0)) == (None, "tokens not counted")


def test_our_price_is_gpu_hours_over_throughput() -> None:
    stated = ServingCost(gpu_usd_per_hour=3.6, num_gpus=2, tokens_per_second=1_000)
    cost = own_cost(stated, measured_tokens_per_second=5.0)
    assert cost.usd_per_million == pytest.approx(2.0)
    assert cost.basis == "7.2 USD an hour at 1,000 tokens a second (stated)"
    measured = own_cost(ServingCost(gpu_usd_per_hour=3.6), measured_tokens_per_second=500.0)
    assert measured.usd_per_million == pytest.approx(2.0)
    assert measured.basis.endswith("(measured)")


def test_without_a_gpu_price_or_a_speed_our_price_is_unknown() -> None:
    assert own_cost(ServingCost(), measured_tokens_per_second=5.0) == (None, "price unknown")
    half = own_cost(ServingCost(gpu_usd_per_hour=2.0), measured_tokens_per_second=None)
    assert half == (None, "throughput unknown")


def test_throughput_is_that_measured() -> None:
    assert throughput(TokenCounts(900, 100), seconds=4.0) == 250.0
    assert throughput(TokenCounts(900, 100), seconds=0.0) is None


def test_shipped_prices_have_a_day_and_a_source_or_are_null() -> None:
    prices = load_prices("vendors")
    assert prices["gpt-4.1"].is_known
    for price in prices.values():
        values = {price.input_usd, price.output_usd, price.as_of, price.source}
        assert price.is_known or values == {None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prices: 3", "needs a list called prices"),
        ("prices: [{model: a}]", "every price needs as_of, input_usd, model, output_usd, source"),
        (
            "prices: [{model: a, input_usd: -1, output_usd: 1, as_of: 2026-01-01, source: x}]",
            "prices.input_usd of a must be 0 or more, got -1",
        ),
        (
            "prices: [{model: a, input_usd: a lot, output_usd: 1, as_of: x, source: x}]",
            "prices.input_usd of a must be 0 or more, got 'a lot'",
        ),
    ],
)
def test_a_wrong_table_is_one_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices/own.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match=message):
        load_prices("own")


def test_a_model_priced_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = "{model: a, input_usd: 1, output_usd: 1, as_of: x, source: x}"
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices/own.yaml").write_text(f"prices: [{row}, {row}]", encoding="utf-8")
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match="a stands there twice"):
        load_prices("own")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gpu_usd_per_hour": 0.0}, "costs.gpu_usd_per_hour must be above 0 or null, got 0.0"),
        ({"num_gpus": 0}, "costs.num_gpus must be 1 or more, got 0"),
    ],
)
def test_impossible_costs_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ServingCost(**values)
