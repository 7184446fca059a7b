"""Translation between English and a region's language; the corpus' chrF++ counts."""

from collections.abc import Sequence

from ...data.message import Message
from ...data.region import Region, load_region, region_codes
from ...data.suite import Suite
from ..checks.expectation import Expectation
from ..item import Item, Mark
from ..metrics.chrf import ChrF
from .format import Row, category_of, cluster_of, expectation_of, text_of

_CHRF = ChrF()
_ENGLISH = "text_en"
_CODE_SWITCHED = "text_cs"
"""The text in Hinglish, of suites whose replies may mix English in."""


class CorpusChrF:
    """chrF++ over all replies of a suite, from counts that add up."""

    signature = _CHRF.signature

    def statistics(self, item: Item, reply: str) -> list[float]:
        """Return the 24 counts of one reply; an empty reply still counts its reference."""
        return _CHRF.statistics(reply, item.gold)

    def score(self, total: Sequence[float]) -> float:
        """Return chrF++ from the sums of the counts, from 0 to 1."""
        return _CHRF.score(total)


class TranslationFormat:
    """Rows with ``text_en`` and ``text_<region>`` (``text_cs``), asked in the suite's direction."""

    corpus = CorpusChrF()

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item whose only reference is the other language's text."""
        if suite.direction not in ("from_en", "to_en"):
            raise ValueError(f"suite {suite.name} needs direction: from_en or to_en")
        other = _CODE_SWITCHED if suite.allows_code_mix else f"text_{region.code}"
        from_english = suite.direction == "from_en"
        source, target = (_ENGLISH, other) if from_english else (other, _ENGLISH)
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[
                Message(role="system", content=region.prompt(suite.task, [])),
                Message(role="user", content=text_of(row, source)),
            ],
            gold=(text_of(row, target),),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region) if from_english else _english(),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return the segment's own chrF++, for lists of items; the corpus' is no mean of these."""
        return Mark(_CHRF.segment(reply, item.gold), reply.strip() or None)


def _english() -> Expectation:
    """Return what a reply in the language that everything is translated to should be like."""
    anchor = next(code for code in region_codes() if load_region(code).anchor)
    return Expectation(language=anchor, script=load_region(anchor).scripts[0])


FORMAT = TranslationFormat()
