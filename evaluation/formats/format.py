"""What every adapter offers, and the one table of them."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol

from ...data.errors import UserError
from ...data.manifest import Json
from ...data.region import Region
from ...data.suite import Suite
from ..checks.expectation import Expectation
from ..item import Item, Mark

Row = Mapping[str, Json]

_MODULES = {
    "label": "label",
    "choice": "choice",
    "open": "open",
    "translation": "translation",
    "span": "span",
    "summary": "summary",
    "instruction": "instruction",
    "short_answer": "short_answer",
    "safety": "safety",
}
"""File of this folder by the name that a suite's ``format`` gives."""


class CorpusMetric(Protocol):
    """A metric of a whole corpus, made from figures of each reply that only need adding up."""

    signature: str
    """What a reader needs to make the same number again."""

    def statistics(self, item: Item, reply: str) -> list[float]:
        """Return the figures of one reply, always as many."""
        ...

    def score(self, total: Sequence[float]) -> float:
        """Return the corpus' score, from 0 to 1, from the sums of the figures."""
        ...


class Format(Protocol):
    """How the rows of a suite are asked, and what a reply is worth."""

    corpus: CorpusMetric | None
    """What counts for the whole set; None where the mean over the items does."""

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item.

        Raises:
            ValueError: a field is missing or wrong; the message names it.
        """
        ...

    def score(self, item: Item, reply: str) -> Mark:
        """Return what a reply is worth that came to its end or was cut."""
        ...


def load_format(suite: Suite) -> Format:
    """Return the adapter of a suite.

    Raises:
        UserError: there is no such format.
    """
    if suite.format not in _MODULES:
        raise UserError(
            f"suite {suite.name}: unknown format {suite.format!r}: choose one of "
            f"{', '.join(sorted(_MODULES))}"
        )
    module = import_module(f"{__package__}.{_MODULES[suite.format]}")
    return module.FORMAT


def text_of(row: Row, name: str) -> str:
    """Return a field that must hold text.

    Raises:
        ValueError: it is missing, empty, or no text.
    """
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must hold text, got {value!r}")
    return value


def texts_of(row: Row, name: str) -> tuple[str, ...]:
    """Return a field that must hold one text or more.

    Raises:
        ValueError: it is missing, empty, or holds something else.
    """
    value = row.get(name)
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} must be a list of texts, got {value!r}")
    return tuple(text_of({name: one}, name) for one in value)


def cluster_of(row: Row, suite: Suite) -> str:
    """Return what the row's cluster field holds; the row's id where the suite names none."""
    value = row.get(suite.cluster) if suite.cluster else None
    return str(row["id"] if value in (None, "") else value)  # 0 is a passage like any other


def category_of(row: Row, suite: Suite) -> str:
    """Return what the row's category field holds; empty where there is none."""
    value = row.get(suite.category) if suite.category else None
    return "" if value is None else str(value)


def expectation_of(suite: Suite, region: Region) -> Expectation:
    """Return what replies to this suite should be like in this region."""
    return Expectation(
        language=region.code,
        script=suite.script or region.scripts[0],
        code_mix=suite.allows_code_mix,
        register=None,
    )
