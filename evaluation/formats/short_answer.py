"""Short answers that several people gave in their own words, as in BLEnD."""

from ...data.manifest import Json
from ...data.message import Message
from ...data.region import Region
from ...data.suite import Suite
from ..item import Item, Mark
from ..metrics.overlap import answer_words, contained_answer
from .answer_text import answer_text
from .format import Row, category_of, cluster_of, expectation_of, text_of


class ShortAnswerFormat:
    """Rows with ``question`` and ``answers``: groups of wordings, each with its ``count``.

    A row may have no answer where ``idks`` says that people found none: nothing is wrong then.
    """

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item with every wording as a reference."""
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[
                Message(role="system", content=region.prompt(suite.task, [])),
                Message(role="user", content=text_of(row, "question")),
            ],
            gold=_wordings(row),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, region),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return 1 where the reply's answer holds any wording; only its first line is read.

        A list of everything that might be right would hold one by chance.
        """
        answer = answer_text(reply, language=item.language).partition("\n")[0]
        if not item.gold:
            return Mark(None, answer or None)
        found = contained_answer(answer, item.gold, language=item.language)
        has_words = bool(answer_words(answer, language=item.language))
        return Mark(float(found is not None), answer if has_words else None)


def _wordings(row: Row) -> tuple[str, ...]:
    groups = row.get("answers")
    if not isinstance(groups, list):
        raise ValueError(f"answers must be a list of groups with their answers, got {groups!r}")
    found: dict[str, None] = {}
    for group in groups:
        words = group.get("answers") if isinstance(group, dict) else None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"answers must hold groups with a list of answers, got {group!r}")
        found |= dict.fromkeys(str(word) for word in words if str(word).strip())
    if not found and not _has_no_answer(row.get("idks")):
        raise ValueError("answers holds none, and idks does not say that people found none")
    return tuple(found)


def _has_no_answer(counts: Json) -> bool:
    return isinstance(counts, dict) and any(isinstance(n, int) and n > 0 for n in counts.values())


FORMAT = ShortAnswerFormat()
