"""The child against another system on the same items, and the word that the figures allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scipy.stats import norm, t

from ...data.manifest import Json
from ..settings import StatisticsConfig
from ..statistics.corpus import corpus_difference
from ..statistics.interval import Interval
from ..statistics.missing import missing_bounds
from ..statistics.multiplicity import holm
from ..statistics.paired import bootstrap_difference, mcnemar_exact, paired_difference
from ..statistics.power import detectable_difference, required_items
from .column import Column
from .describe import is_share, num_groups, observed
from .task import Protocol, Task, clusters_of

TOO_FEW = "too few items"
NO_DIFFERENCE = "no difference shown"
BETTER, WORSE = "better", "worse"
ONE_ANSWER = "one answer"
"""No system: it always gives the items' commonest answer."""


@dataclass(slots=True, kw_only=True)
class Difference:
    """Child minus other under one view of the items; ``word`` is settled over the whole family."""

    task: Task
    other: str
    view: str
    """``all_items``, ``parsed_only`` or ``asked_labels``."""
    places: list[int]
    """Items to which both replied, of those in the view."""
    made: Interval | None = None
    """None where there are too few independent items."""
    p_value: float = 1.0
    adjusted_p: float = 1.0
    """Holm's, over all tasks of the region, this other, this protocol and this view."""
    low_known: float = 0.0
    """Lower end of the interval if all that is not known spoke against the child."""
    high_known: float = 0.0
    """Upper end if it spoke for the child."""
    word: str = TOO_FEW
    figures: dict[str, Json] = field(default_factory=dict)

    @property
    def family(self) -> tuple[str, str, Protocol, str]:
        """Return which differences are tested together."""
        return (self.task.language, self.other, self.task.protocol, self.view)

    def to_json(self) -> dict[str, Json]:
        """Return the difference as it stands in ``results.json``."""
        if self.made is None:
            return {"n": len(self.places), "word": self.word}
        return {
            "n": len(self.places),
            "difference": self.made.estimate,
            "interval": [self.made.low, self.made.high],
            **self.figures,
            "p": self.p_value,
            "p_holm": self.adjusted_p,
            "word": self.word,
        }


def compare(
    task: Task,
    other: str,
    statistics: StatisticsConfig,
    *,
    view: str = "all_items",
    places: Sequence[int] | None = None,
) -> Difference:
    """Return child - other over the items to which both replied, or over some of these."""
    child, second = task.columns["child"], task.columns[other]
    paired = [
        place
        for place in (range(len(task.items)) if places is None else places)
        if child.values[place] is not None and second.values[place] is not None
    ]
    clusters = clusters_of(task, paired)
    difference = Difference(task=task, other=other, view=view, places=paired)
    if num_groups(clusters, len(paired)) < statistics.min_items:
        return difference
    made = _measure(task, other, paired, statistics)
    difference.made = made
    difference.p_value, test = _test(child, second, paired, made, clusters)
    difference.low_known, difference.high_known = made.low, made.high
    deviation = made.standard_error * len(paired) ** 0.5
    difference.figures = {
        "test": test,
        **_bootstrap(child, second, paired, clusters, task, statistics),
        "detectable": detectable_difference(
            deviation,
            num_items=len(paired),
            confidence=statistics.confidence,
            power=statistics.power,
        ),
        "needed": _needed(deviation, statistics),
    }
    if view == "all_items":
        _add_bounds(difference, child, second, statistics)
    return difference


def settle_words(differences: Sequence[Difference], statistics: StatisticsConfig) -> None:
    """Adjust the p-values of each family by Holm and give every difference its word.

    Better or worse is said only if the interval excludes 0, the adjusted p-value is small, and,
    with replies missing for more than the allowed share, the worst case agrees.
    """
    families: dict[tuple, list[Difference]] = {}
    for one in differences:
        if one.made is not None and one.task.is_main:
            families.setdefault(one.family, []).append(one)
    for family in families.values():
        adjusted = holm([one.p_value for one in family])
        for one, p_value in zip(family, adjusted, strict=True):
            one.adjusted_p = p_value
    for one in differences:
        if one.made is None:
            continue
        if not one.task.is_main:
            one.adjusted_p = one.p_value
        is_shown = one.adjusted_p < 1 - statistics.confidence
        one.word = NO_DIFFERENCE
        if is_shown and one.made.low > 0 and one.low_known > 0:
            one.word = BETTER
        elif is_shown and one.made.high < 0 and one.high_known < 0:
            one.word = WORSE


def agreed_word(words: Sequence[str]) -> str:
    """Return better only if all say so, worse if one says so and none the contrary."""
    if set(words) == {BETTER}:
        return BETTER
    if WORSE in words and BETTER not in words:
        return WORSE
    return TOO_FEW if words[0] == TOO_FEW else NO_DIFFERENCE


def _measure(
    task: Task, other: str, places: Sequence[int], statistics: StatisticsConfig
) -> Interval:
    child, second = task.columns["child"], task.columns[other]
    clusters = clusters_of(task, places)
    if task.corpus is None:
        return paired_difference(
            observed(child, places),
            observed(second, places),
            confidence=statistics.confidence,
            clusters=clusters,
        )
    assert child.statistics_NS is not None
    assert second.statistics_NS is not None
    return corpus_difference(
        child.statistics_NS[list(places)],
        second.statistics_NS[list(places)],
        score=task.corpus.score,
        confidence=statistics.confidence,
        resamples=statistics.corpus_resamples,
        seed=statistics.seed,
        clusters=clusters,
    )


def _test(
    child: Column,
    second: Column,
    places: Sequence[int],
    made: Interval,
    clusters: Sequence[str] | None,
) -> tuple[float, str]:
    """Return the two-sided p-value of no difference, and by which test.

    The interval leans on many differing items; with four or five, all one way, only the exact test
    is honest. Both have to agree.
    """
    values = observed(child, places), observed(second, places)
    if child.statistics_NS is not None:
        return _two_sided(made, by_bootstrap=True), "bootstrap"
    if clusters is None and all(map(is_share, values)):
        rights = [[value == 1 for value in one] for one in values]
        return mcnemar_exact(*rights).p_value, "McNemar"
    return _two_sided(made), "t"


def _two_sided(made: Interval, *, by_bootstrap: bool = False) -> float:
    if made.standard_error == 0:
        return 1.0 if made.estimate == 0 else 0.0
    distance = abs(made.estimate) / made.standard_error
    if by_bootstrap:
        return 2 * float(norm.sf(distance))
    return 2 * float(t.sf(distance, made.num_groups - 1))


def _bootstrap(
    child: Column,
    second: Column,
    places: Sequence[int],
    clusters: Sequence[str] | None,
    task: Task,
    statistics: StatisticsConfig,
) -> dict[str, Json]:
    """Return the percentile interval that checks the closed form; a corpus metric has no other."""
    if task.corpus is not None:
        return {}
    made = bootstrap_difference(
        observed(child, places),
        observed(second, places),
        confidence=statistics.confidence,
        resamples=statistics.resamples,
        seed=statistics.seed,
        clusters=clusters,
    )
    return {"bootstrap_interval": [made.low, made.high]}


def _needed(deviation: float, statistics: StatisticsConfig) -> Json:
    """Return how many items would show a difference that is worth knowing."""
    if deviation == 0:
        return None
    return required_items(
        deviation,
        difference=statistics.worth_showing,
        confidence=statistics.confidence,
        power=statistics.power,
    )


def _add_bounds(
    difference: Difference, child: Column, second: Column, statistics: StatisticsConfig
) -> None:
    """Add both extremes of what is not known, where anything is not."""
    num_items = len(difference.task.items)
    pairs = zip(child.values, second.values, strict=True)
    coverage = sum(None not in pair for pair in pairs) / num_items
    unread = max(len(child.unread), len(second.unread)) / num_items
    if coverage == 1 and unread <= statistics.max_unread:
        return
    worst, best = _extremes(difference.task, child, second, statistics, unread=True)
    difference.figures |= {
        "coverage": coverage,
        "worst_case": [worst.low, worst.high],
        "best_case": [best.low, best.high],
    }
    if coverage < statistics.min_coverage:
        worst, best = _extremes(difference.task, child, second, statistics, unread=False)
        difference.low_known, difference.high_known = worst.low, best.high


def _extremes(
    task: Task, child: Column, second: Column, statistics: StatisticsConfig, *, unread: bool
) -> tuple[Interval, Interval]:
    """Return the worst and the best case of missing replies and, if asked, of unread ones."""
    columns = [
        [
            None if unread and place in column.unread else value
            for place, value in enumerate(column.values)
        ]
        for column in (child, second)
    ]
    return missing_bounds(*columns, confidence=statistics.confidence, clusters=task.clusters)
