"""What a million tokens cost on both sides; unknown stays unknown.

A million tokens means prompt and reply together, in the mix that the suite really had: a vendor's
two prices are weighed by it, and our throughput counts both kinds.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

from ..data.config_files import read_config
from ..data.errors import UserError

UNKNOWN = "price unknown"
DEAREST_CACHE_WRITE = 1.25
"""Of the input price; the dearest that a vendor in configs/prices is known to ask."""


_FACTORS = ("cached_factor", "cache_write_factor", "batch_factor")


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorPrice:
    """A vendor's list price; without a day and a source it is not used."""

    model: str
    input_usd: float | None
    """For a million prompt tokens."""
    output_usd: float | None
    """For a million reply tokens."""
    as_of: str | None
    """Day on which the source was read."""
    source: str | None
    cached_factor: float = 1.0
    """Of the input price, for tokens read from the vendor's cache; 1 where it is not known."""
    cache_write_factor: float = DEAREST_CACHE_WRITE
    """Of the input price, for tokens written to the vendor's cache."""
    batch_factor: float = 1.0
    """Of all prices, in a batch; 1 where it is not known."""

    def __post_init__(self) -> None:
        for name in ("input_usd", "output_usd", *_FACTORS):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value >= 0):
                raise ValueError(f"prices.{name} of {self.model} must be 0 or more, got {value!r}")

    @property
    def is_known(self) -> bool:
        """Return whether both prices, the day and the source are there."""
        return None not in (self.input_usd, self.output_usd, self.as_of, self.source)


@dataclass(kw_only=True, slots=True)
class ServingCost:
    """What our own replies cost; stated by the user, null where not known."""

    gpu_usd_per_hour: float | None = None
    """Of one GPU, rented or written off."""
    num_gpus: int = 1
    """That serve the model together."""
    tokens_per_second: float | None = None
    """Prompt and reply tokens of all requests together, at the load expected in use. Null takes
    what the evaluation itself measured."""

    def __post_init__(self) -> None:
        for name in ("gpu_usd_per_hour", "tokens_per_second"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"costs.{name} must be above 0 or null, got {value}")
        if self.num_gpus < 1:
            raise ValueError(f"costs.num_gpus must be 1 or more, got {self.num_gpus}")


class TokenCounts(NamedTuple):
    """Tokens of all requests of a suite."""

    prompt: int
    reply: int


class Cost(NamedTuple):
    """US dollars for a million tokens, and what they rest on."""

    usd_per_million: float | None
    basis: str
    """Where the figure comes from, or why there is none."""


def vendor_cost(price: VendorPrice | None, tokens: TokenCounts | None) -> Cost:
    """Return a vendor's price for a million tokens in this mix of prompt and reply.

    Args:
        price: of the model; None where it is not in the table.
        tokens: of the suite; None or none at all where they were not counted.
    """
    if price is None or price.input_usd is None or price.output_usd is None or not price.is_known:
        return Cost(None, UNKNOWN)
    if tokens is None or sum(tokens) == 0:
        return Cost(None, "tokens not counted")
    usd = tokens.prompt * price.input_usd + tokens.reply * price.output_usd
    return Cost(usd / sum(tokens), f"list price, read {price.as_of}: {price.source}")


def own_cost(serving: ServingCost, *, measured_tokens_per_second: float | None) -> Cost:
    """Return our price for a million tokens: GPU hours over what they let through.

    Args:
        serving: what the user stated.
        measured_tokens_per_second: of the evaluation; used where no throughput is stated.
    """
    if serving.gpu_usd_per_hour is None:
        return Cost(None, UNKNOWN)
    speed = serving.tokens_per_second or measured_tokens_per_second
    if not speed:
        return Cost(None, "throughput unknown")
    hourly = serving.gpu_usd_per_hour * serving.num_gpus
    how = "stated" if serving.tokens_per_second else "measured"
    basis = f"{hourly:g} USD an hour at {speed:,.0f} tokens a second ({how})"
    return Cost(hourly / (speed * 3600) * 1_000_000, basis)


def throughput(tokens: TokenCounts, *, seconds: float) -> float | None:
    """Return tokens a second, prompt and reply together; None where nothing was timed."""
    return sum(tokens) / seconds if seconds > 0 and sum(tokens) else None


def load_prices(name: str) -> dict[str, VendorPrice]:
    """Return the vendors' prices by model.

    Raises:
        UserError: no such table, a wrong key or price, or a model that stands there twice.
    """
    rows = read_config("prices", name).get("prices")
    if not isinstance(rows, list):
        raise UserError(f"configs/prices/{name}.yaml needs a list called prices")
    keys = {item.name for item in fields(VendorPrice)} - set(_FACTORS)
    prices: dict[str, VendorPrice] = {}
    for row in rows:
        if not isinstance(row, dict) or set(row) - set(_FACTORS) != keys:
            raise UserError(
                f"configs/prices/{name}.yaml: every price needs {', '.join(sorted(keys))}: {row}"
            )
        day = row.pop("as_of")  # YAML reads a bare day as a date
        try:
            price = VendorPrice(as_of=None if day is None else str(day), **row)  # pyright: ignore[reportArgumentType]
        except (TypeError, ValueError) as error:
            raise UserError(f"configs/prices/{name}.yaml: {error}") from error
        if price.model in prices:
            raise UserError(f"configs/prices/{name}.yaml: {price.model} stands there twice")
        prices[price.model] = price
    return prices
