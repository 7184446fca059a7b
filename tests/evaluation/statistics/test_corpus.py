"""Bootstrap of means and of corpus metrics: seeded, paired, whole clusters, known answers."""

import numpy as np
import pytest
from lokal.evaluation.statistics.bootstrap import bootstrap_mean, resampled_totals
from lokal.evaluation.statistics.clusters import number_clusters, sum_by_cluster
from lokal.evaluation.statistics.corpus import corpus_difference, corpus_interval
from lokal.evaluation.statistics.interval import mean_interval
from numpy.typing import NDArray

CLOSE = 1e-9


def _ratio(sums: list[float]) -> float:
    return sums[0] / sums[1]


def _segments(seed: int, *, rate: float) -> NDArray[np.float64]:
    """Matches and lengths of 300 segments."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(5, 60, size=300)
    return np.stack([generator.binomial(lengths, rate), lengths], axis=1).astype(float)


def test_totals_are_those_of_drawing_clusters_one_by_one() -> None:
    sums = np.arange(12, dtype=float).reshape(6, 2)
    drawn = np.random.default_rng(3).integers(6, size=(50, 6))
    ours = resampled_totals(sums, resamples=50, seed=3)
    assert ours == pytest.approx(sums[drawn].sum(axis=1), abs=CLOSE)


def test_sums_by_cluster_stand_in_order_of_appearance() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert sum_by_cluster(values, ["b", "a", "b"]).tolist() == [[5.0, 50.0], [2.0, 20.0]]
    assert number_clusters(["b", "a", "b"], num_items=3).tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="3 items need as many clusters, got 1"):
        number_clusters(["b"], num_items=3)


def test_a_corpus_mean_has_the_bootstrap_interval_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=200)
    clusters = [index // 4 for index in range(200)]
    statistics = np.stack([values, np.ones(200)], axis=1)
    ours = corpus_interval(
        statistics, score=_ratio, confidence=0.95, resamples=500, seed=5, clusters=clusters
    )
    theirs = bootstrap_mean(values, confidence=0.95, resamples=500, seed=5, clusters=clusters)
    assert ours == pytest.approx(theirs, abs=CLOSE)
    exact = mean_interval(values, confidence=0.95, clusters=clusters)
    assert theirs.standard_error == pytest.approx(exact.standard_error, rel=0.1)


def test_the_corpus_score_is_that_of_all_segments_and_not_their_mean() -> None:
    first = _segments(0, rate=0.5)
    ours = corpus_interval(first, score=_ratio, confidence=0.95, resamples=100, seed=0)
    assert ours.estimate == pytest.approx(first[:, 0].sum() / first[:, 1].sum(), abs=CLOSE)
    assert ours.estimate != pytest.approx((first[:, 0] / first[:, 1]).mean(), abs=1e-6)


def test_a_corpus_difference_is_paired_seeded_and_zero_against_itself() -> None:
    first = _segments(0, rate=0.6)
    second = first - np.array([1.0, 0.0])  # one match less everywhere
    settings = {"score": _ratio, "confidence": 0.95, "resamples": 400, "seed": 2}
    ours = corpus_difference(first, second, **settings)
    assert ours == corpus_difference(first, second, **settings)
    assert ours.low > 0
    alone = corpus_interval(first, **settings)
    assert ours.high - ours.low < 0.5 * (alone.high - alone.low)  # unpaired it would be wider
    same = corpus_difference(first, first, **settings)
    assert (same.low, same.estimate, same.high) == (0.0, 0.0, 0.0)


def test_other_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="same segments"):
        corpus_difference(
            np.ones((3, 2)), np.ones((2, 2)), score=_ratio, confidence=0.95, resamples=1, seed=0
        )
