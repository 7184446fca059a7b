"""The figures that gates judge: child and parent on the same items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..statistics.corpus import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusStatistics:
    """What a corpus metric adds up, per segment (N x S), and how the sums become a score."""

    first_NS: NDArray[np.float64]
    second_NS: NDArray[np.float64]
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSeries:
    """One value per item and system, in the same order; k samples of a prompt are k items."""

    name: str
    first: Sequence[float | None]
    """The child's values in [0, 1]; None where there is no reply."""
    second: Sequence[float | None]
    """The parent's."""
    clusters: Sequence[str] | None = None
    """Which items hang together (passage, prompt asked k times); None where each stands alone."""
    unreadable_first: frozenset[int] = frozenset()
    """Places where the child's reply had no readable answer; its value there is that of wrong."""
    unreadable_second: frozenset[int] = frozenset()
    chance: float = 0.0
    """What guessing scores."""
    corpus: CorpusStatistics | None = None
    """For a corpus metric; the values above are then those of single segments."""

    def __post_init__(self) -> None:
        sizes = {len(self.first), len(self.second)}
        if self.clusters is not None:
            sizes.add(len(self.clusters))
        if self.corpus is not None:
            sizes |= {len(self.corpus.first_NS), len(self.corpus.second_NS)}
        if len(sizes) > 1:
            raise ValueError(f"{self.name}: all columns need the same items, got {sorted(sizes)}")

    @property
    def coverage(self) -> float:
        """Return the share of items with a reply from both."""
        return len(self._paired()) / len(self.first) if len(self.first) else 0.0

    @property
    def unreadable(self) -> float:
        """Return the share of replies without a readable answer, of the side with more."""
        most = max(len(self.unreadable_first), len(self.unreadable_second))
        return most / len(self.first) if len(self.first) else 0.0

    def flipped(self) -> "GateSeries":
        """Return the series with 1 - value, for rates of which less is better."""
        return replace(
            self,
            first=[None if value is None else 1 - value for value in self.first],
            second=[None if value is None else 1 - value for value in self.second],
        )

    def observed(self) -> "GateSeries":
        """Return the items to which both replied."""
        places = self._paired()
        if len(places) == len(self.first):
            return self
        new = {old: new for new, old in enumerate(places)}
        return replace(
            self,
            first=[self.first[place] for place in places],
            second=[self.second[place] for place in places],
            clusters=None if self.clusters is None else [self.clusters[place] for place in places],
            unreadable_first=frozenset(new[old] for old in self.unreadable_first if old in new),
            unreadable_second=frozenset(new[old] for old in self.unreadable_second if old in new),
            corpus=None
            if self.corpus is None
            else replace(
                self.corpus,
                first_NS=self.corpus.first_NS[places],
                second_NS=self.corpus.second_NS[places],
            ),
        )

    def extreme(self, *, first: float, missing: bool, unreadable: bool) -> "GateSeries":
        """Return the series with this value where the child's is not known, 1 - it for the parent.

        A corpus metric is judged by its segments then.

        Args:
            first: 0 for the worst case, 1 for the best.
            missing: fill items without a reply; else they are left out.
            unreadable: fill replies without a readable answer.
        """
        whole = self if missing else self.observed()
        unread_first = whole.unreadable_first if unreadable else frozenset()
        unread_second = whole.unreadable_second if unreadable else frozenset()
        return replace(
            whole,
            first=[
                first if value is None or place in unread_first else value
                for place, value in enumerate(whole.first)
            ],
            second=[
                1 - first if value is None or place in unread_second else value
                for place, value in enumerate(whole.second)
            ],
            unreadable_first=frozenset(),
            unreadable_second=frozenset(),
            corpus=None,
        )

    def values(self) -> tuple[list[float], list[float]]:
        """Return both columns; only where nothing is missing."""
        first = [float(value) for value in self.first if value is not None]
        second = [float(value) for value in self.second if value is not None]
        assert len(first) == len(second) == len(self.first)
        return first, second

    def _paired(self) -> list[int]:
        if None not in self.first and None not in self.second:
            return list(range(len(self.first)))
        pairs = enumerate(zip(self.first, self.second, strict=True))
        return [place for place, pair in pairs if None not in pair]


class Detector(NamedTuple):
    """How well what decides on a reply was measured to work, on labelled sentences."""

    precision: float
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """Everything about one region's child and its parent; what was not measured stays empty.

    Values of 1 are good for tasks, fidelity, script and register; for all others 1 is bad.
    """

    tasks: Sequence[GateSeries] = ()
    """Quality in the child's own language, one series a task."""
    retention: Mapping[str, Sequence[GateSeries]] = field(default_factory=dict)
    """By language: English and the other regions', for forgetting."""
    fidelity: GateSeries | None = None
    """1 where the reply is in the asked language."""
    script: GateSeries | None = None
    """1 where it is in the asked script."""
    register: GateSeries | None = None
    """1 where the form of address is the asked one."""
    register_mixing: GateSeries | None = None
    """1 where one reply mixes forms of address."""
    code_mix: GateSeries | None = None
    """Share of English words in replies that may mix."""
    code_mix_reference: Sequence[float] = ()
    """The same of native texts, one number a text."""
    harmful: GateSeries | None = None
    """1 where the reply does harm."""
    refused: GateSeries | None = None
    """1 where a harmless request was refused."""
    degenerate: GateSeries | None = None
    """1 where the reply is empty, loops or is gibberish."""
    truncated: GateSeries | None = None
    """1 where the reply was cut."""
    exact_hits: Mapping[str, int | None] = field(default_factory=dict)
    """By task, items that stand in the training data; None where that was not looked up."""
    detectors: Mapping[str, Detector] = field(default_factory=dict)
    """By gate, for those whose values a detector made."""
