"""Win rates, strengths and corrections against closed forms, other packages and simulations."""

import numpy as np
import pytest
import statsmodels.api as sm
from lokal.evaluation.statistics.judge_error import (
    Decided,
    corrected_win_rate,
    judge_skill,
)
from lokal.evaluation.statistics.strengths import Game, fit_strengths
from lokal.evaluation.statistics.win_rate import Games, controlled_win_rate

DRAWS = {"confidence": 0.95, "resamples": 200, "seed": 0}


def made_games(num: int, *, skill: float, slope: float, seed: int = 0) -> Games:
    """Return games whose left side is longer and wins partly for that."""
    random = np.random.default_rng(seed)
    lengths = random.normal(60, 80, num)
    logits = skill + slope * np.tanh(lengths / lengths.std())
    scores = (random.random(num) < 1 / (1 + np.exp(-logits))).astype(float)
    return Games(scores.tolist(), lengths.tolist(), [0.0] * num, list(range(num)))


def test_the_controlled_rate_is_the_intercept_of_a_logistic_regression() -> None:
    games = made_games(400, skill=0.3, slope=1.2)
    made = controlled_win_rate(games, with_marks=False, **DRAWS)
    lengths = np.asarray(games.lengths)
    features = np.stack([np.ones(400), np.tanh(lengths / lengths.std())], axis=1)
    known = sm.GLM(games.scores, features, family=sm.families.Binomial()).fit()
    # The ridge of 0.01 moves it by less than this.
    assert made.estimate == pytest.approx(1 / (1 + np.exp(-known.params[0])), abs=2e-4)
    assert made.low < made.estimate < made.high


def test_length_that_wins_by_itself_is_taken_out() -> None:
    games = made_games(4000, skill=0.0, slope=2.0)
    raw = sum(games.scores) / len(games.scores)
    made = controlled_win_rate(games, with_marks=False, **DRAWS)
    assert raw > 0.65
    assert made.estimate == pytest.approx(0.5, abs=0.03)
    assert controlled_win_rate(games, **DRAWS).estimate == pytest.approx(made.estimate, abs=1e-9)


def test_a_side_that_wins_everything_has_a_rate_below_one_and_no_crash() -> None:
    games = Games([1.0] * 40, list(range(40)), [0.0] * 40, list(range(40)))
    made = controlled_win_rate(games, **DRAWS)
    assert 0.98 < made.estimate < 1
    with pytest.raises(ValueError, match="two or more prompts"):
        controlled_win_rate(games._replace(clusters=["one"] * 40), **DRAWS)


def test_two_systems_have_their_plain_win_rate() -> None:
    scores = [1.0] * 60 + [0.5] * 20 + [0.0] * 20
    games = [Game("child", "parent", score, n) for n, score in enumerate(scores)]
    made = fit_strengths(games, ["parent", "child"], **DRAWS)
    assert made.win_rates["child"].estimate == pytest.approx(70.25 / 100.5, abs=1e-6)
    assert made.win_rates["parent"] == (0.5, 0.5, 0.5, 0.0, 100, 100)
    assert (made.tie_rate, made.num_games, made.num_prompts) == (0.2, 100, 100)


def test_weights_of_prompts_are_the_same_as_repeated_games() -> None:
    random = np.random.default_rng(0)
    games = [
        Game(left, right, float(random.integers(3)) / 2, prompt)
        for prompt in range(30)
        for left, right in (("a", "b"), ("b", "c"), ("a", "c"))
    ]
    counts = random.multinomial(30, [1 / 30] * 30)
    repeated = [
        game._replace(cluster=(game.cluster, copy))
        for game in games
        for copy in range(counts[game.cluster])  # pyright: ignore[reportCallIssue, reportArgumentType]
    ]
    from lokal.evaluation.statistics.strengths import _Fitted

    weights = np.array([counts[game.cluster] for game in games])  # pyright: ignore
    systems = ["a", "b", "c"]
    by_weight = _Fitted(games, systems).win_rates(weights)
    by_rows = _Fitted(repeated, systems).win_rates(np.ones(len(repeated)))
    assert by_weight == pytest.approx(by_rows, abs=1e-8)


def test_three_systems_are_ranked_as_they_were_made() -> None:
    truth = {"parent": 1.0, "one": 2.0, "two": 4.0}
    random = np.random.default_rng(1)
    games = [
        Game(a, b, float(random.random() < truth[a] / (truth[a] + truth[b])), prompt)
        for prompt in range(400)
        for a, b in (("one", "parent"), ("two", "parent"), ("two", "one"))
    ]
    made = fit_strengths(games, list(truth), **DRAWS)
    for name, strength in truth.items():
        assert made.win_rates[name].estimate == pytest.approx(strength / (strength + 1), abs=0.03)
    with pytest.raises(ValueError, match="two systems or more"):
        fit_strengths(games, [*truth, "three"], **DRAWS)


def decided(sensitivity: float, specificity: float, num: int, seed: int) -> Decided:
    random = np.random.default_rng(seed)
    left = random.random(num) < 0.5
    right_share = np.where(left, sensitivity, 1 - specificity)
    scores = (random.random(num) < right_share).astype(float)
    return Decided(scores.tolist(), left.tolist(), list(range(num)))


def test_the_correction_is_rogan_and_gladens() -> None:
    pairs = Decided([1, 1, 1, 0, 0, 0, 0, 1, 0, 0], [True] * 4 + [False] * 6, list(range(10)))
    skill = judge_skill(pairs)
    assert skill == pytest.approx((0.75, 5 / 6))
    made = corrected_win_rate([1.0] * 6 + [0.0] * 4, pairs, **DRAWS)
    assert made is not None
    assert made.estimate == pytest.approx((0.6 + 5 / 6 - 1) / (0.75 + 5 / 6 - 1))


def test_a_judge_without_skill_is_not_divided_by() -> None:
    assert corrected_win_rate([1.0, 0.0], decided(0.5, 0.5, 4000, 0), **DRAWS) is None
    assert judge_skill(Decided([1, 0], [True, True], [0, 1])) is None


def cluster_games(random: np.random.Generator) -> list[Game]:
    """Return games on 200 prompts, each with three games that share the prompt's own lean."""
    games = []
    for prompt in range(200):
        lean = random.normal(0, 1.0)  # some prompts suit the later systems
        for a, b, base in (("c", "a", 1.0), ("b", "a", 0.5), ("c", "b", 0.5)):
            for _ in range(2):
                chance = 1 / (1 + np.exp(-(base + lean)))
                games.append(Game(a, b, float(random.random() < chance), prompt))
    return games


@pytest.mark.proof
def test_bootstrap_over_prompts_covers_the_true_strength_93_to_97_percent() -> None:
    large = np.random.default_rng(10**6)
    many = [
        game._replace(cluster=(block, game.cluster))
        for block in range(300)
        for game in cluster_games(large)
    ]
    systems = ["a", "b", "c"]
    truth = fit_strengths(many, systems, confidence=0.95, resamples=1, seed=0).win_rates
    hits = {"b": 0, "c": 0}
    runs = 1000
    for run in range(runs):
        games = cluster_games(np.random.default_rng(run))
        made = fit_strengths(games, systems, confidence=0.95, resamples=400, seed=run).win_rates
        for name in hits:
            hits[name] += made[name].low <= truth[name].estimate <= made[name].high
    print({name: found / runs for name, found in hits.items()})
    assert all(0.93 <= found / runs <= 0.97 for found in hits.values())


@pytest.mark.proof
def test_the_controlled_rate_covers_the_truth_93_to_97_percent() -> None:
    hits, runs = 0, 1000
    for run in range(runs):
        games = made_games(300, skill=0.4, slope=1.0, seed=run)
        made = controlled_win_rate(games, confidence=0.95, resamples=400, seed=run)
        hits += made.low <= 1 / (1 + np.exp(-0.4)) <= made.high
    print(hits / runs)
    assert 0.93 <= hits / runs <= 0.97


@pytest.mark.proof
def test_the_corrected_rate_covers_what_people_would_say_93_to_97_percent() -> None:
    hits, runs, truth = 0, 1000, 0.6
    for run in range(runs):
        random = np.random.default_rng(run)
        left = random.random(400) < truth
        scores = (random.random(400) < np.where(left, 0.8, 0.3)).astype(float).tolist()
        made = corrected_win_rate(
            scores, decided(0.8, 0.7, 250, run), confidence=0.95, resamples=400, seed=run
        )
        assert made is not None
        hits += made.low <= truth <= made.high
    print(hits / runs)
    assert 0.93 <= hits / runs <= 0.97
