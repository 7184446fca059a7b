"""Who is better, item by item: the figures of ``results.json``.

Layout (shares lie in [0, 1], intervals are ``[low, high]``, both null where n is 0); top level:
suite, split, confidence, power, anchor, anchor_name, anchor_margin, against_recordings, parent,
texts_licence, test_scored, and ``regions.<code>`` with

- ``systems.<system>``: n, accuracy, interval, coverage, parsed_only{n, accuracy, interval},
  states{how replies ended: number}, answers{label: how often named};
- ``one_label``: what always giving the items' commonest label scores: label, n, accuracy, interval,
  child-one_label. A child that does no better has not learnt the task, whatever its parent does;
- ``log_likelihood``: parent, child {n, accuracy, interval}, child-parent;
- ``differences.child-<system>``: word, all_items, parsed_only, and asked_labels where a recorded
  prompt left labels out; each n, difference, interval, bootstrap_interval, mcnemar_p, detectable
  (the smallest difference that so many items show) and word;
- ``anchor``: language, and by protocol parent, child, child-parent, held (yes, no, not shown);
- ``decontaminated``, ``training``, ``licences`` and ``name``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..data.manifest import Json
from .item import Item
from .scores import Score
from .settings import StatisticsConfig
from .statistics.interval import wilson_interval
from .statistics.paired import bootstrap_difference, mcnemar_exact, paired_difference
from .statistics.power import detectable_difference

TOO_FEW = "too few items"
NO_DIFFERENCE = "no difference shown"


def describe_system(scores: Sequence[Score], *, confidence: float) -> dict[str, Json]:
    """Return a system's accuracy over all items (no label is wrong) and over the parsed ones."""
    right = [score.is_right for score in scores]
    parsed = [score.is_right for score in scores if score.is_parsed]
    return {
        **describe_share(right, confidence=confidence),
        "coverage": len(parsed) / len(scores) if scores else 0.0,
        "parsed_only": describe_share(parsed, confidence=confidence),
        "states": _count([str(score.state) for score in scores]),
        "answers": _count([score.answer for score in scores if score.answer is not None]),
    }


def describe_share(right: Sequence[bool], *, confidence: float) -> dict[str, Json]:
    """Return n, accuracy and the Wilson interval; without items nothing is known of either."""
    if not right:
        return {"n": 0, "accuracy": None, "interval": None}
    made = wilson_interval(sum(right), num_items=len(right), confidence=confidence)
    return {"n": len(right), "accuracy": made.estimate, "interval": [made.low, made.high]}


def compare_one_label(
    items: Sequence[Item], child: Mapping[str, Score], *, statistics: StatisticsConfig
) -> dict[str, Json]:
    """Return what always giving the commonest label scores, and the child's answers against it."""
    label = next(iter(_count([item.gold[0] for item in items])))
    fixed = [item.gold[0] == label for item in items]
    right = [child[item.id].is_right for item in items]
    return {
        "label": label,
        **describe_share(fixed, confidence=statistics.confidence),
        "child-one_label": compare_right(right, fixed, statistics=statistics).figures,
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems under one view of the items."""

    word: str
    figures: dict[str, Json]


def compare_right(
    first: Sequence[bool], second: Sequence[bool], *, statistics: StatisticsConfig
) -> Difference:
    """Return first - second on the same items, with the word that the interval allows."""
    if len(first) < statistics.min_items:
        return Difference(TOO_FEW, {"n": len(first), "word": TOO_FEW})
    made = paired_difference(first, second, confidence=statistics.confidence)
    check = bootstrap_difference(
        first,
        second,
        confidence=statistics.confidence,
        resamples=statistics.resamples,
        seed=statistics.seed,
    )
    deviation = made.standard_error * len(first) ** 0.5
    p_value = mcnemar_exact(first, second).p_value
    # The interval leans on many differing items; with four or five, all one way, only the exact
    # test is honest. Both have to agree.
    is_shown = p_value < 1 - statistics.confidence
    word = NO_DIFFERENCE
    if made.low > 0 and is_shown:
        word = "better"
    elif made.high < 0 and is_shown:
        word = "worse"
    figures: dict[str, Json] = {
        "n": len(first),
        "difference": made.estimate,
        "interval": [made.low, made.high],
        "bootstrap_interval": [check.low, check.high],
        "mcnemar_p": p_value,
        "detectable": detectable_difference(
            deviation,
            num_items=len(first),
            confidence=statistics.confidence,
            power=statistics.power,
        ),
        "word": word,
    }
    return Difference(word, figures)


def compare_scores(
    items: Sequence[Item],
    first: Mapping[str, Score],
    second: Mapping[str, Score],
    *,
    statistics: StatisticsConfig,
    unasked_labels: Sequence[str] = (),
) -> dict[str, Json]:
    """Return first against second under every view, and one word for all of them.

    Better only if every view says so; worse if one says so and none the contrary.
    """
    views = {
        "all_items": [item.id for item in items],
        "parsed_only": [
            item.id for item in items if first[item.id].is_parsed and second[item.id].is_parsed
        ],
    }
    if unasked_labels:
        views["asked_labels"] = [item.id for item in items if item.gold[0] not in unasked_labels]
    made = {
        view: compare_right(
            [first[name].is_right for name in ids],
            [second[name].is_right for name in ids],
            statistics=statistics,
        )
        for view, ids in views.items()
    }
    figures: dict[str, Json] = {view: one.figures for view, one in made.items()}
    return {**figures, "word": agreed_word([one.word for one in made.values()])}


def anchor_held(difference: Mapping[str, Json], *, margin: float) -> str:
    """Return whether the anchor language was held: yes, no, or not shown with so few items."""
    interval = difference.get("interval")
    if not isinstance(interval, list):
        return "not shown"
    low, high = interval
    assert isinstance(low, float)
    assert isinstance(high, float)
    if low > -margin:
        return "yes"
    return "no" if high < -margin else "not shown"


def agreed_word(words: Sequence[str]) -> str:
    """Return better only if all say so, worse if one says so and none the contrary."""
    if set(words) == {"better"}:
        return "better"
    if "worse" in words and "better" not in words:
        return "worse"
    return TOO_FEW if words[0] == TOO_FEW else NO_DIFFERENCE


def _count(names: Sequence[str]) -> dict[str, Json]:
    """Return how often each name stands there, the commonest first, ties by name."""
    found = Counter(names)
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name], name))}
