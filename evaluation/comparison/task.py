"""One benchmark in one language by one protocol, with every system's replies to the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...data.suite import Origin, Suite
from ..formats.format import CorpusMetric
from ..item import Item
from .column import Column


class Protocol(StrEnum):
    """How answers were had. Figures of different protocols are never put side by side."""

    generate = "generate"
    """The reply was written and read."""
    loglikelihood = "loglikelihood"
    """The likeliest of the choices, whatever would have been written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is compared in one row of the page."""

    part: str
    """Name of the files: ``belebele@200-id``."""
    suite: Suite
    language: str
    protocol: Protocol
    metric: str
    """``accuracy``, ``acc_norm``, ``chrF++`` ...: what the values mean."""
    items: list[Item]
    columns: dict[str, Column]
    """By system: ``parent``, ``child`` and the baselines' names."""
    corpus: CorpusMetric | None = None
    """Where the score of the whole set counts and not the mean over items."""
    judged: str = ""
    """Whose values these are and what they are worth; empty where a rule scores."""
    is_trusted: bool = True
    """False for values of a judge that is not calibrated: they are shown, and decide nothing."""
    is_main: bool = True
    """False for a second reading of the same answers, which decides nothing."""

    @property
    def clusters(self) -> list[str] | None:
        """Return what each item hangs together with; None where each stands alone."""
        found = [item.cluster for item in self.items]
        return None if len(set(found)) == len(found) else found

    @property
    def chance(self) -> float:
        """Return what guessing scores; 0 where there is nothing to guess among."""
        shares = [1 / len(item.choices) if item.choices else 0.0 for item in self.items]
        return sum(shares) / len(shares)

    @property
    def origin(self) -> Origin | None:
        """Return whether the questions are native or translated; None where the suite is silent."""
        return self.suite.origin

    @property
    def has_choices(self) -> bool:
        """Return whether an answer is one of a short list."""
        return bool(self.items[0].choices)

    @property
    def is_scored(self) -> bool:
        """Return whether replies are right or wrong by themselves; open questions are not."""
        return any(value is not None for column in self.columns.values() for value in column.values)

    @property
    def is_safety(self) -> bool:
        """Return whether it asks for harm or looks as if it did: no measure of quality."""
        return self.suite.format == "safety"

    @property
    def counts(self) -> bool:
        """Return whether its value is part of headlines, uses and the gates on quality."""
        return self.is_main and self.is_scored and not self.is_safety and self.is_trusted


def clusters_of(task: Task, places: Sequence[int]) -> list[str] | None:
    """Return the clusters of some of the task's items."""
    clusters = task.clusters
    return None if clusters is None else [clusters[place] for place in places]
