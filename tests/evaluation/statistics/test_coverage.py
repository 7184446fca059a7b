"""Intervals hold the truth as often as they say: clusters, rare events, corpora, headlines."""

from collections.abc import Callable

import numpy as np
import pytest
from lokal.evaluation.statistics.corpus import corpus_difference, corpus_interval
from lokal.evaluation.statistics.headline import headline_difference
from lokal.evaluation.statistics.interval import (
    Interval,
    mean_interval,
    share_interval,
    wilson_interval,
)
from lokal.evaluation.statistics.noninferiority import paired_share_interval
from lokal.evaluation.statistics.paired import paired_difference
from numpy.typing import NDArray

Trial = Callable[[np.random.Generator], tuple[Interval, float]]
"""One simulated comparison: its interval and the truth."""
CONFIDENCE = 0.95


def coverage(trial: Trial, *, simulations: int, seed: int) -> float:
    generator = np.random.default_rng(seed)
    held = 0
    for _ in range(simulations):
        made, truth = trial(generator)
        held += made.low <= truth <= made.high
    return held / simulations


def _passages(generator: np.random.Generator, *, number: int) -> NDArray[np.int64]:
    """One to four questions a passage."""
    return np.repeat(np.arange(number), generator.integers(1, 5, size=number))


def clustered_mean(generator: np.random.Generator) -> tuple[Interval, float]:
    clusters = _passages(generator, number=60)
    values = generator.normal(size=60)[clusters] + generator.normal(size=len(clusters))
    return mean_interval(values, confidence=CONFIDENCE, clusters=clusters.tolist()), 0.0


def clustered_difference(generator: np.random.Generator) -> tuple[Interval, float]:
    clusters = _passages(generator, number=150)
    easy = generator.beta(2, 2, size=150)[clusters]
    gain = generator.choice([-0.1, 0.3], size=150)[clusters]  # on average .1, by passage
    first = (generator.random(len(clusters)) < 0.15 + 0.5 * easy + gain).astype(float)
    second = (generator.random(len(clusters)) < 0.15 + 0.5 * easy).astype(float)
    made = paired_difference(
        first.tolist(), second.tolist(), confidence=CONFIDENCE, clusters=clusters.tolist()
    )
    return made, 0.1


def rare_share(generator: np.random.Generator) -> tuple[Interval, float]:
    rate = generator.uniform(0.002, 0.05)  # one rate alone moves in steps of whole items
    found = int(generator.binomial(300, rate))
    return wilson_interval(found, num_items=300, confidence=CONFIDENCE), rate


def rare_clustered_share(generator: np.random.Generator) -> tuple[Interval, float]:
    rate = generator.uniform(0.01, 0.05)
    prone = generator.beta(rate * 4, (1 - rate) * 4, size=250)
    values = (generator.random((250, 4)) < prone[:, None]).astype(float).ravel()
    clusters = np.repeat(np.arange(250), 4).tolist()
    return share_interval(values.tolist(), confidence=CONFIDENCE, clusters=clusters), rate


def rare_difference(generator: np.random.Generator) -> tuple[Interval, float]:
    only_first, only_second = generator.uniform(0.002, 0.04, size=2)
    drawn = generator.random(342)
    first = (drawn < only_first).astype(float)
    second = (drawn > 1 - only_second).astype(float)
    made = paired_share_interval(first.tolist(), second.tolist(), confidence=CONFIDENCE)
    return made, only_first - only_second


def _segments(generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matches and lengths of 200 segments under two systems, of rates .55 and .50."""
    lengths = generator.integers(5, 60, size=200)
    hard = generator.normal(0, 0.1, size=200)
    first, second = (
        np.stack([generator.binomial(lengths, np.clip(rate + hard, 0, 1)), lengths], axis=1)
        for rate in (0.55, 0.50)
    )
    return first.astype(float), second.astype(float)


def _ratio(sums: list[float]) -> float:
    return sums[0] / sums[1]


def corpus_score(generator: np.random.Generator) -> tuple[Interval, float]:
    first, _ = _segments(generator)
    made = corpus_interval(first, score=_ratio, confidence=CONFIDENCE, resamples=300, seed=1)
    return made, 0.55


def corpus_gain(generator: np.random.Generator) -> tuple[Interval, float]:
    first, second = _segments(generator)
    made = corpus_difference(
        first, second, score=_ratio, confidence=CONFIDENCE, resamples=300, seed=1
    )
    return made, 0.05


def headline_gain(generator: np.random.Generator) -> tuple[Interval, float]:
    differences = []
    for num_items in (40, 163, 400):
        easy = generator.random(num_items)
        first = generator.random(num_items) < 0.3 + 0.5 * easy
        second = generator.random(num_items) < 0.2 + 0.5 * easy
        differences.append(
            paired_difference(first.tolist(), second.tolist(), confidence=CONFIDENCE)
        )
    chances = [0.5, 0.25, 0.0]
    made = headline_difference(differences, chances=chances, confidence=CONFIDENCE)
    return made, 0.1 * (2 + 4 / 3 + 1) / 3


TRIALS = [
    clustered_mean,
    clustered_difference,
    rare_share,
    rare_clustered_share,
    rare_difference,
    corpus_score,
    corpus_gain,
    headline_gain,
]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.__name__)
def test_95_of_100_intervals_hold_the_truth(trial: Trial) -> None:
    assert 0.92 <= coverage(trial, simulations=500, seed=0) <= 0.98  # +-.02 is the simulation's own


@pytest.mark.proof
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.__name__)
def test_93_to_97_of_100_intervals_hold_the_truth(trial: Trial) -> None:
    found = coverage(trial, simulations=10_000, seed=1)
    print(trial.__name__, found)
    assert 0.93 <= found <= 0.97
