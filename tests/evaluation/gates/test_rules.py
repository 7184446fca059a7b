"""One rule on one series: what is shown passes, what is shown wrong fails, the rest is neither."""

from dataclasses import replace

import numpy as np
import pytest
from lokal.evaluation.gates.result import Verdict
from lokal.evaluation.gates.rules import at_least, not_worse
from lokal.evaluation.gates.series import CorpusStatistics, GateSeries
from lokal.evaluation.gates.thresholds import load_gates

THRESHOLDS = load_gates("promotion")


def series(num_items: int, *, only_child: int, only_parent: int, wrong: int = 0) -> GateSeries:
    """Both right on all items but these."""
    same = num_items - only_child - only_parent - wrong
    first = [1.0] * only_child + [0.0] * only_parent + [0.0] * wrong + [1.0] * same
    second = [0.0] * only_child + [1.0] * only_parent + [0.0] * wrong + [1.0] * same
    return GateSeries(name="fidelity", first=first, second=second)


def test_a_small_loss_over_many_items_passes_with_its_figures() -> None:
    part = not_worse(series(2_000, only_child=2, only_parent=4), margin=0.01, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.PASS
    assert part.sentence == (
        "fidelity: -0.1 points against the parent (-0.4 to +0.1) over 2000 items, "
        "so a change to -1.0 points is ruled out"
    )
    assert part.figures["difference"] == pytest.approx(-0.001)


def test_the_same_shares_over_few_items_are_inconclusive_and_say_how_many_it_takes() -> None:
    part = not_worse(series(200, only_child=2, only_parent=4), margin=0.01, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.INCONCLUSIVE
    assert "neither ruled out nor shown (about 1858 items would, if there is none)" in part.sentence


def test_a_shown_loss_fails_even_where_it_may_be_within_the_margin() -> None:
    part = not_worse(series(600, only_child=2, only_parent=12), margin=0.02, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.FAIL
    assert (part.fail_p or 1.0) < 0.01


def test_a_loss_shown_to_lie_within_the_margin_passes() -> None:
    part = not_worse(
        series(9_000, only_child=20, only_parent=80), margin=0.02, thresholds=THRESHOLDS
    )
    assert part.verdict == Verdict.PASS


def test_where_less_is_better_the_figures_keep_their_direction() -> None:
    more = series(600, only_child=40, only_parent=4)  # the child does harm where the parent did not
    part = not_worse(more, margin=0.03, thresholds=THRESHOLDS, bad=True)
    assert part.verdict == Verdict.FAIL
    assert part.figures["difference"] == pytest.approx(0.06)
    assert part.figures["limit"] == 0.03
    fewer = not_worse(
        series(600, only_child=4, only_parent=40), margin=0.03, thresholds=THRESHOLDS, bad=True
    )
    assert fewer.verdict == Verdict.PASS


@pytest.mark.parametrize(
    ("num_items", "wrong", "verdict"),
    [
        (1_000, 10, Verdict.PASS),
        (1_000, 20, Verdict.INCONCLUSIVE),
        (1_000, 40, Verdict.FAIL),
        (100, 0, Verdict.INCONCLUSIVE),  # none wrong of 100 still allows 2.6 %
        (200, 0, Verdict.PASS),
    ],
)
def test_a_floor_passes_only_where_the_lower_bound_reaches_it(
    num_items: int, wrong: int, verdict: Verdict
) -> None:
    made = series(num_items, only_child=0, only_parent=0, wrong=wrong)
    assert at_least(made, floor=0.98, thresholds=THRESHOLDS).verdict == verdict


def test_a_limit_on_what_is_bad_is_the_mirror_of_a_floor() -> None:
    bad = series(1_000, only_child=0, only_parent=0, wrong=10).flipped()
    part = at_least(bad, floor=0.02, thresholds=THRESHOLDS, bad=True)
    good = at_least(bad.flipped(), floor=0.98, thresholds=THRESHOLDS)
    assert part.verdict == good.verdict == Verdict.PASS
    assert part.figures["share"] == pytest.approx(0.01)
    assert part.sentence == (
        "fidelity: 1.00 % of 1000 replies (0.60 % to 1.67 %), at most 2.00 % is asked"
    )


def test_too_few_independent_items_are_never_a_verdict() -> None:
    many = series(400, only_child=0, only_parent=0)
    one_passage = replace(many, clusters=[str(place // 20) for place in range(400)])
    part = not_worse(one_passage, margin=0.5, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.INCONCLUSIVE
    assert part.sentence == "fidelity: 20 independent items, 30 are needed"


def test_missing_replies_below_the_limit_are_left_out_and_bounded() -> None:
    made = series(2_000, only_child=2, only_parent=4)
    made = replace(made, first=[None, *made.first[1:]])
    part = not_worse(made, margin=0.01, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.PASS
    assert part.figures["n"] == 1_999
    assert part.figures["coverage"] == pytest.approx(0.9995)
    assert part.figures["marked"] is False
    worst, best = part.figures["worst_case"], part.figures["best_case"]
    assert isinstance(worst, list)
    assert isinstance(best, list)
    assert worst[1] < best[1]  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]


def test_coverage_below_the_limit_never_passes_but_may_fail() -> None:
    made = series(2_000, only_child=2, only_parent=4)
    few = replace(made, first=[*[None] * 60, *made.first[60:]])
    part = not_worse(few, margin=0.5, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.INCONCLUSIVE
    assert part.sentence.endswith("; only 97.00 % of the items have both replies")
    worse = series(2_000, only_child=2, only_parent=400)
    worse = replace(worse, second=[*worse.second[:-60], *[None] * 60])
    assert not_worse(worse, margin=0.01, thresholds=THRESHOLDS).verdict == Verdict.FAIL


def test_unreadable_answers_matter_only_where_the_extremes_disagree() -> None:
    made = series(2_000, only_child=2, only_parent=4, wrong=100)
    unread = replace(made, unreadable_first=frozenset(range(6, 106)))
    narrow = not_worse(unread, margin=0.01, thresholds=THRESHOLDS)
    assert narrow.verdict == Verdict.PASS  # both wrong: at worst they are wrong, as counted
    both = replace(unread, unreadable_second=frozenset(range(6, 106)))
    assert not_worse(both, margin=0.01, thresholds=THRESHOLDS).verdict == Verdict.INCONCLUSIVE
    assert not_worse(both, margin=0.10, thresholds=THRESHOLDS).verdict == Verdict.PASS
    part = not_worse(both, margin=0.01, thresholds=THRESHOLDS)
    assert part.figures["marked"] is True
    assert part.sentence.endswith("; 5.00 % of the answers cannot be read")


def test_a_corpus_metric_is_judged_by_its_corpus_score() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(5, 60, size=400).astype(float)
    matches = generator.binomial(lengths.astype(int), 0.6).astype(float)
    second = np.stack([matches, lengths], axis=1)
    first = second - np.array([2.0, 0.0])  # two matches less in each segment
    made = GateSeries(
        name="chrf",
        first=(first[:, 0] / lengths).tolist(),
        second=(second[:, 0] / lengths).tolist(),
        corpus=CorpusStatistics(first_NS=first, second_NS=second, score=lambda s: s[0] / s[1]),
    )
    part = not_worse(made, margin=0.02, thresholds=THRESHOLDS)
    assert part.verdict == Verdict.FAIL
    assert part.figures["difference"] == pytest.approx(-800 / lengths.sum())


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"belebele: all columns need the same items, got \[1, 2\]"
    ):
        GateSeries(name="belebele", first=[1.0], second=[1.0, 0.0])
