"""What ``collect_baseline`` can be told."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ...data.suite import Suite
from ..cost import DEAREST_CACHE_WRITE
from ..vendors.settings import VendorConfig
from .price import Price
from .settings import Limits, SpendingConfig


@dataclass(kw_only=True, slots=True)
class PriceConfig:
    """A price of one's own, as of a contract; null where the table holds it."""

    input_usd: float | None = None
    """For a million prompt tokens."""
    output_usd: float | None = None
    """For a million reply tokens, reasoning included."""
    cached_factor: float = 1.0
    """Of the input price, for tokens read from the vendor's cache."""
    cache_write_factor: float = DEAREST_CACHE_WRITE
    """Of the input price, for tokens written to it."""
    batch_factor: float = 1.0
    """Of all prices, in a batch."""
    as_of: str = ""
    """Day on which it was read."""
    source: str = ""

    def __post_init__(self) -> None:
        if (self.input_usd is None) != (self.output_usd is None):
            raise ValueError("price needs both input_usd and output_usd, or neither")
        if self.input_usd is not None and not self.as_of:
            raise ValueError("price.as_of is empty: name the day on which the price was read")
        for name in ("input_usd", "output_usd", *_FACTORS):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"price.{name} must be 0 or more, got {value}")

    @property
    def given(self) -> Price | None:
        """Return the price; None where none is given."""
        if self.input_usd is None or self.output_usd is None:
            return None
        factors = {name: getattr(self, name) for name in _FACTORS}
        source = self.source or "stated by the user"
        return Price(self.input_usd, self.output_usd, **factors, as_of=self.as_of, source=source)


_FACTORS = ("cached_factor", "cache_write_factor", "batch_factor")


@dataclass(kw_only=True, slots=True)
class CanaryConfig:
    """Small questions beside the suite, to notice a model that changes under its name."""

    count: int = 50
    """How many; 0 for none."""
    samples: int = 3
    """Replies to each."""
    min_questions: int = 500
    """Fewer questions of the suite are not worth them."""
    earlier: str | None = None
    """Folder of an earlier run; null takes the newest of the same model below the root."""

    def __post_init__(self) -> None:
        for name in ("count", "samples", "min_questions"):
            if getattr(self, name) < 0:
                raise ValueError(f"canaries.{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(kw_only=True, slots=True)
class AskingConfig:
    """How often and how long each item is answered."""

    max_new_tokens: int = 0
    """Longest reply, where the suite allows as much; 0: the suite's own."""
    samples_choice: int = 1
    """Replies to an item that asks for a label or a letter."""
    samples_open: int = 4
    """Replies to an item that is answered freely: what differs between them is noise."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 0 or min(self.samples_choice, self.samples_open) < 1:
            raise ValueError(
                "answers: max_new_tokens must be 0 or more, samples_choice and samples_open 1 or "
                "more"
            )


@dataclass(kw_only=True, slots=True)
class CollectConfig:
    """Everything ``lokal collect_baseline`` can be told."""

    root: str = "baselines"
    day: str = ""
    """In the folder's name, as 2026-11-27. Empty: today, or that of a run that is not finished."""
    baseline: VendorConfig
    suite: Suite
    """One benchmark, or a choice of several."""
    split: str
    languages: list[str]
    items_root: str | None = None
    """Folder with the benchmarks that are not shipped, or with folders of them."""
    skip_missing: bool = False
    """Go on without benchmarks of a choice whose items are not there."""
    option_orders: int = 1
    """How often lettered options are asked, each time in another order; 1: only the file's own."""
    answers: AskingConfig
    spending: SpendingConfig
    price: PriceConfig
    price_table: str = "vendors"
    """A file of ``configs/prices``."""
    retirement_table: str = "vendors"
    """A file of ``configs/retirement``."""
    canaries: CanaryConfig
    confirm_above_usd: float
    """Above this a person is asked, or ``confirm_cost`` has to be given."""
    confirm_cost: str = ""
    """``true``, or the highest forecast in USD that is confirmed; for scripts."""
    accept_pii: bool = False
    """Personal values in the prompts may leave this machine."""
    only_forecast: bool = False
    """Say what it would cost, and send nothing."""
    cancel_batches: bool = False
    """Stop the batches that are underway, keep what they have answered, and ask nothing."""

    def __post_init__(self) -> None:
        if not self.languages:
            raise ValueError("languages is empty: name at least one, as in languages=[id,en]")
        if self.option_orders < 1:
            raise ValueError(f"option_orders must be 1 or more, got {self.option_orders}")
        if self.day:
            try:
                date.fromisoformat(self.day)
            except ValueError as error:
                raise ValueError(f"day must be as 2026-11-27, got {self.day!r}") from error
        _ = self.confirmed_usd

    @property
    def confirmed_usd(self) -> float:
        """Return the highest forecast that needs no question, in USD."""
        word = self.confirm_cost.strip().lower()
        if word in ("true", "yes"):
            return math.inf
        if word in ("", "false", "no"):
            return self.confirm_above_usd
        try:
            return max(float(word), self.confirm_above_usd)
        except ValueError as error:
            raise ValueError(
                f"confirm_cost must be true or an amount in USD, got {self.confirm_cost!r}"
            ) from error

    @property
    def items_folder(self) -> Path | None:
        """Return the user's folder of benchmarks."""
        return None if self.items_root is None else Path(self.items_root)

    @property
    def limits(self) -> Limits:
        """Return how hard the vendor may be asked."""
        return Limits(
            parallel=self.baseline.parallel,
            requests_per_minute=self.baseline.requests_per_minute,
            tokens_per_minute=self.baseline.tokens_per_minute,
            batch=self.baseline.batch,
        )
