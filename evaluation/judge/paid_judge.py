"""A judge that is asked over the network: through the one engine that counts what it spends."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...data.cost_ledger import CostEntry, CostKind, append_cost
from ...data.errors import ExitCode, RunError
from ...data.manifest import Json, sha256_of_json
from ...data.progress import say
from ..cost import load_prices
from ..leaving import Leaving
from ..spending.engine import Outcome, ask_paid
from ..spending.forecast import make_forecast, require_consent
from ..spending.journal import PaidJournal
from ..spending.price import Price, find_price
from ..spending.settings import Limits
from ..vendors.build import build_vendor
from ..vendors.question import Answer, Question
from ..vendors.settings import VendorConfig
from .settings import JudgeConfig

_FREE = Price(0.0, 0.0, source="this machine")
"""Of a server on this machine."""


class PaidAsk:
    """Answers from the judge's journal what is there, and asks the vendor for the rest."""

    def __init__(
        self,
        vendor: VendorConfig,
        config: JudgeConfig,
        *,
        identity: Mapping[str, Json],
        folder: Path,
    ) -> None:
        self.vendor = vendor
        self._config, self._key, self._folder = config, sha256_of_json(dict(identity)), folder

    @property
    def price(self) -> Price:
        """Return what the vendor asks.

        Raises:
            UserError: it is not known.
        """
        if self.vendor.is_local:
            return _FREE
        return find_price(self.vendor.model, load_prices(self._config.price_table))

    def __call__(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Return the answers; one that the vendor rejects for good has none.

        Raises:
            RunError: the cap was reached, or questions have no answer yet; a later run goes on.
        """
        with PaidJournal(self._folder, key=self._key) as journal:
            outcome = ask_paid(
                build_vendor(self.vendor),
                questions,
                journal=journal,
                spending=self._config.spending,
                price=self.price,
                limits=self._limits,
                label=self.vendor.name,
            )
            self._write_costs(journal)
        self._require_all(outcome)
        return outcome.answers

    def confirm(self, questions: Sequence[Question], leaving: Leaving) -> None:
        """Say what the questions will cost and what leaves, and have both agreed to.

        Raises:
            UserError: nobody agrees, it may not leave, or the price is not known.
        """
        with PaidJournal(self._folder, key=self._key) as journal:
            known = {*journal.answers(), *journal.rejected()}
            todo = [question for question in questions if question.key not in known]
            forecast = make_forecast(
                todo,
                system=self.vendor.name,
                price=self.price,
                limits=self._limits,
                num_known=len(questions) - len(todo),
                limit_usd=self._config.spending.limit_usd,
                spent_usd=journal.spent_usd + journal.lost_usd,
            )
        for line in [*forecast.lines(), *leaving.lines()]:
            say("judge", line)
        require_consent(
            forecast,
            leaving,
            confirmed_usd=self._config.confirmed_usd,
            ask=input if sys.stdin.isatty() else None,
        )

    @property
    def _limits(self) -> Limits:
        return Limits(
            parallel=self.vendor.parallel,
            requests_per_minute=self.vendor.requests_per_minute,
            tokens_per_minute=self.vendor.tokens_per_minute,
            batch=self.vendor.batch,
        )

    def _write_costs(self, journal: PaidJournal) -> None:
        """Bring the run's ledger up to what this judge has cost so far."""
        for language, spent in journal.spent_by_language().items():
            append_cost(
                self._config.run,
                CostEntry(
                    kind=CostKind.api,
                    what="judge",
                    at=datetime.now(UTC).isoformat(timespec="seconds"),
                    id=f"judge/{self.vendor.name}/{language}",
                    system=self.vendor.name,
                    vendor=str(self.vendor.vendor),
                    model=self.vendor.model,
                    language=language,
                    questions=spent.questions,
                    input_tokens=spent.input_tokens,
                    cached_tokens=spent.cached_tokens,
                    output_tokens=spent.output_tokens,
                    reasoning_tokens=spent.reasoning_tokens,
                    usd=spent.usd,
                    price_as_of=self.price.as_of,
                ),
            )

    def _require_all(self, outcome: Outcome) -> None:
        if outcome.open:
            why = outcome.stopped or f"{len(outcome.open)} questions got no answer"
            raise RunError(
                f"judge {self.vendor.name}: {why}: run the same command to go on",
                code=ExitCode.PARTIAL,
            )
