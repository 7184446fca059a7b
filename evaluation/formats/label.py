"""Classification: one text, or two that belong together, and a label from a short list."""

from ...data.message import Message
from ...data.region import Region
from ...data.suite import Suite, topic_messages
from ..item import Item, Mark
from ..label import extract_label
from .format import Row, category_of, cluster_of, expectation_of, text_of

_PAIRS = (("premise", "hypothesis"), ("text", "text_b"))


class LabelFormat:
    """Rows with ``text`` and ``label``; or ``premise`` and ``hypothesis``, or ``text_b``."""

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item whose choices are the suite's labels."""
        label = text_of(row, "label")
        if label not in suite.labels:
            raise ValueError(f"label is {label!r}, which is not one of the suite's {suite.labels}")
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=_messages(row, suite, region),
            choices=tuple(suite.labels),
            gold=(label,),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return 1 for the right label; a reply that names none or several is wrong."""
        answer = extract_label(reply, item.choices)
        return Mark(float(answer == item.gold[0]), answer)


def _messages(row: Row, suite: Suite, region: Region) -> list[Message]:
    for first, second in _PAIRS:
        if second in row:
            return topic_messages(
                region, suite, f"1: {text_of(row, first)}\n2: {text_of(row, second)}"
            )
    return topic_messages(region, suite, text_of(row, "text"))


FORMAT = LabelFormat()
