"""What a request can cost at most, and what an answer did cost."""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from ...data.errors import UserError
from ..cost import DEAREST_CACHE_WRITE, VendorPrice
from ..vendors.question import Question, Usage

_PER = 1_000_000
_TOKENS_PER_TURN = 32
"""More than any vendor's chat template puts around a turn."""
_TOKENS_PER_REQUEST = 64
_SNAPSHOT = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|\d{3})$")
"""Date or number of a model's snapshot, which costs what the model costs."""


class Price(NamedTuple):
    """US dollars for a million tokens, with the factors that are known.

    An unknown discount is none, so that what is reckoned never lies below the bill.
    """

    input_usd: float
    output_usd: float
    cached_factor: float = 1.0
    """Of the input price, for tokens read from the vendor's cache."""
    cache_write_factor: float = DEAREST_CACHE_WRITE
    """Of the input price, for tokens written to it."""
    batch_factor: float = 1.0
    """Of the whole, for what is asked in a batch."""
    as_of: str = ""
    source: str = ""

    def usd(self, usage: Usage, *, batch: bool = False) -> float:
        """Return what these tokens cost."""
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        read = plain + self.cached_factor * usage.cached_tokens
        read += self.cache_write_factor * usage.cache_write_tokens
        usd = (self.input_usd * read + self.output_usd * usage.output_tokens) / _PER
        return usd * self.batch_factor if batch else usd

    def worst_usd(self, question: Question, *, batch: bool = False) -> float:
        """Return the most that a question can cost, with an answer of the longest length.

        Every byte of the prompt counts as a token, and all of it as written to the cache.
        """
        read = max(1.0, self.cache_write_factor) * most_input_tokens(question)
        usd = (self.input_usd * read + self.output_usd * question.max_tokens) / _PER
        return usd * self.batch_factor if batch else usd


FREE = Price(0.0, 0.0, source="answered on this machine")


def most_input_tokens(question: Question) -> int:
    """Return a number that no vendor's count exceeds: a token is a byte or more."""
    said = sum(len(message["content"].encode()) for message in question.messages)
    schema = len(json.dumps(question.schema)) if question.schema else 0
    return said + schema + _TOKENS_PER_TURN * len(question.messages) + _TOKENS_PER_REQUEST


def find_price(model: str, prices: Mapping[str, VendorPrice]) -> Price:
    """Return the price of a model, or of the model whose dated snapshot it is.

    Raises:
        UserError: it is not known.
    """
    for name in (model, _SNAPSHOT.sub("", model)):
        price = prices.get(name)
        if price is None or price.input_usd is None or price.output_usd is None:
            continue
        if price.is_known:
            return Price(
                price.input_usd,
                price.output_usd,
                cached_factor=price.cached_factor,
                cache_write_factor=price.cache_write_factor,
                batch_factor=price.batch_factor,
                as_of=str(price.as_of),
                source=str(price.source),
            )
    raise UserError(
        f"the price of {model} is unknown, so no cap would hold: give price.input_usd=, "
        "price.output_usd= (for a million tokens) and price.as_of=, or add it to configs/prices"
    )
