"""Extractive questions: the answer is a piece of the passage; F1 of shared words counts."""

from ...data.message import Message
from ...data.region import Region
from ...data.suite import Suite
from ..item import Item, Mark
from ..metrics.overlap import answer_words, token_f1
from .answer_text import answer_text
from .format import Row, category_of, cluster_of, expectation_of, text_of, texts_of


class SpanFormat:
    """Rows with ``context``, ``question`` and the list ``answers``."""

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item with all its answers as references."""
        content = f"{text_of(row, 'context')}\n\n{text_of(row, 'question')}"
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[
                Message(role="system", content=region.prompt(suite.task, [])),
                Message(role="user", content=content),
            ],
            gold=texts_of(row, "answers"),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return the F1 of the words shared with the nearest answer."""
        answer = answer_text(reply, language=item.language)
        value = token_f1(answer, item.gold, language=item.language)
        return Mark(value, answer if answer_words(answer, language=item.language) else None)


FORMAT = SpanFormat()
