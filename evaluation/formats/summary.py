"""Summaries: the longest common subsequence of words with the reference counts (ROUGE-L)."""

from ...data.message import Message
from ...data.region import Region
from ...data.suite import Suite
from ..item import Item, Mark
from ..metrics.overlap import rouge_l
from .format import Row, category_of, cluster_of, expectation_of, text_of


class SummaryFormat:
    """Rows with ``document`` and ``summary``."""

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item whose reference is its summary."""
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[
                Message(role="system", content=region.prompt(suite.task, [])),
                Message(role="user", content=text_of(row, "document")),
            ],
            gold=(text_of(row, "summary"),),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return the F1 of ROUGE-L on words of any script."""
        return Mark(rouge_l(reply, item.gold, language=item.language), reply.strip() or None)


FORMAT = SummaryFormat()
