"""What a run will ask and cost, said before anything is sent, and whether that is agreed to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...data.errors import UserError
from ..leaving import Leaving
from ..vendors.question import Question
from .price import Price, most_input_tokens
from .settings import Limits

_BYTES_PER_TOKEN = 4
"""Of a prompt, roughly: more in English, fewer in Devanagari with older tokenizers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """Questions, tokens, money and time of a run."""

    system: str
    price: Price
    limits: Limits
    num_known: int
    """Questions that earlier runs have answered."""
    num_asked: int
    input_tokens: int
    """Estimated from the bytes of the prompts."""
    most_input_tokens: int
    most_output_tokens: int
    usd: float
    """With estimated prompts and replies of half the longest length."""
    most_usd: float
    limit_usd: float
    """Cap, or the environment's ceiling where that is lower."""
    spent_usd: float
    """By earlier runs, lost replies included."""

    @property
    def at_stake_usd(self) -> float:
        """Return what this run can spend at most."""
        return max(0.0, min(self.most_usd, self.limit_usd - self.spent_usd))

    @property
    def minutes(self) -> float:
        """Return the shortest time that the vendor's limits allow."""
        tokens = self.input_tokens + self.most_output_tokens
        requests = self.num_asked / self.limits.requests_per_minute
        return max(requests, tokens / self.limits.tokens_per_minute)

    def lines(self) -> list[str]:
        """Return what a person should read before it begins."""
        known = f", {self.num_known:,} are answered already" if self.num_known else ""
        free = self.price.input_usd == self.price.output_usd == 0
        when = f", read {self.price.as_of}" if self.price.as_of else ""
        ask = "costs nothing" if free else f"{self.price.input_usd:g} and {self.price.output_usd:g}"
        half = f", times {self.price.batch_factor:g} in a batch" if self.limits.batch else ""
        when_done = (
            "the batch is answered within a day"
            if self.limits.batch
            else f"takes {self.minutes:,.1f} minutes or longer"
        )
        low = (
            ""
            if self.at_stake_usd >= self.most_usd
            else (f"; the cap of {self.limit_usd:g} USD may stop it before")
        )
        return [
            f"asks {self.system} {self.num_asked:,} questions{known}",
            f"about {self.input_tokens:,} prompt tokens (a token for {_BYTES_PER_TOKEN} bytes), at "
            f"most {self.most_input_tokens:,}; replies of at most {self.most_output_tokens:,}",
            f"price: {ask} USD a million prompt and reply tokens{half}{when}: {self.price.source}",
            f"about {self.usd:.4f} USD (replies half as long as they may be), at most "
            f"{self.most_usd:.4f}{low}; spent so far {self.spent_usd:.4f}",
            f"{when_done}, at {self.limits.requests_per_minute:,} requests and "
            f"{self.limits.tokens_per_minute:,} tokens a minute",
        ]


def make_forecast(
    questions: Sequence[Question],
    *,
    system: str,
    price: Price,
    limits: Limits,
    num_known: int,
    limit_usd: float,
    spent_usd: float,
) -> Forecast:
    """Return the forecast for questions that are still to be asked."""
    sizes = [
        sum(len(message["content"].encode()) for message in question.messages)
        for question in questions
    ]
    outputs = [question.max_tokens for question in questions]
    estimated = sum(-(-size // _BYTES_PER_TOKEN) for size in sizes)
    factor = price.batch_factor if limits.batch else 1.0
    usd = (estimated * price.input_usd + sum(outputs) / 2 * price.output_usd) / 1_000_000
    return Forecast(
        system=system,
        price=price,
        limits=limits,
        num_known=num_known,
        num_asked=len(questions),
        input_tokens=estimated,
        most_input_tokens=sum(map(most_input_tokens, questions)),
        most_output_tokens=sum(outputs),
        usd=usd * factor,
        most_usd=sum(price.worst_usd(question, batch=limits.batch) for question in questions),
        limit_usd=limit_usd,
        spent_usd=spent_usd,
    )


def require_consent(
    forecast: Forecast, leaving: Leaving, *, confirmed_usd: float, ask: Callable[[str], str] | None
) -> None:
    """Return where the spending is agreed to.

    Args:
        forecast: of the run.
        leaving: what is sent, and where to.
        confirmed_usd: up to which no question is needed.
        ask: puts a question to a person; None where nobody is there.

    Raises:
        UserError: what would be sent may not leave, or nobody agrees to the cost.
    """
    leaving.require()
    stake = forecast.at_stake_usd
    if stake <= confirmed_usd:
        return
    if ask is None:
        raise UserError(
            f"this may cost {stake:.4f} USD and nobody is there to be asked: add "
            f"confirm_cost=true, or confirm_cost={-(-stake * 100 // 1) / 100:.2f}"
        )
    if ask(f"Spend up to {stake:.4f} USD? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("nothing was sent: the cost was not agreed to")
