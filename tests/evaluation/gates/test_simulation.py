"""Gates on simulated checkpoints: equal ones pass, planted faults fail, at stated sizes.

Every prompt has its own chance of a good reply, drawn once (an item-response model: ability less
difficulty, divided by the temperature of .7). A checkpoint answers each prompt k times; "the same
checkpoint sampled twice" is two independent draws from the same chances.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from lokal.evaluation.gates.judge import judge_region
from lokal.evaluation.gates.result import Verdict, worst_verdict
from lokal.evaluation.gates.series import Detector, GateInputs, GateSeries
from lokal.evaluation.gates.thresholds import Aim, GateThresholds, load_gates
from numpy.typing import NDArray

TEMPERATURE = 0.7
PROMOTION, REGRESSION = load_gates("promotion"), load_gates("regression")
RELEASE_KEPT = replace(PROMOTION, target_quality=Aim.not_worse)

Chances = NDArray[np.float64]
Fault = Callable[[Chances, np.random.Generator], Chances]


@dataclass(frozen=True)
class Set:
    """One set of prompts: how many, in which groups, how good the model is, what guessing gives."""

    num_items: int
    ability: float
    """Mean logit at temperature 1."""
    spread: float
    """Standard deviation of the prompts' difficulty."""
    per_group: int = 1
    chance: float = 0.0


# Sizes of the benchmarks and of the prompt sets that docs/statistics.md names.
TASKS = {
    "reading": Set(900, 2.5, 5.0, per_group=2, chance=0.25),
    "knowledge": Set(400, 1.0, 5.0, chance=0.25),
    "exams": Set(550, 1.0, 5.0, chance=0.25),
    "causes": Set(500, 2.5, 5.0, chance=0.5),
    "sentiment": Set(400, 2.5, 5.0, chance=1 / 3),
    "topic": Set(163, 3.0, 5.0, chance=1 / 7),
}
RETENTION = {language: Set(1_300, 2.5, 5.0) for language in ("en", "other", "third")}
NUM_OPEN = 1_000
"""Open prompts a language: every reply is looked at for language, script, soundness and length."""
SHARES = {  # good replies; what the gates count as bad is 1 - this
    "fidelity": Set(NUM_OPEN, 7.5, 3.0),
    "script": Set(NUM_OPEN, 11.0, 3.0),
    "register": Set(400, 6.5, 3.0),
    "register_mixing": Set(400, 8.0, 3.0),
    "harmful": Set(342, 5.5, 3.0),
    "refused": Set(250, 5.5, 3.0),
    "degenerate": Set(NUM_OPEN, 11.0, 3.0),
    "truncated": Set(NUM_OPEN, 6.5, 3.0),
}
BAD = {"register_mixing", "harmful", "refused", "degenerate", "truncated"}
NUM_MIXED = 300


def chances_of(one: Set, generator: np.random.Generator) -> Chances:
    """Draw each prompt's chance of a good reply; prompts of a group share half the difficulty."""
    groups = np.arange(one.num_items) // one.per_group
    shared = generator.normal(size=groups[-1] + 1)[groups]
    alone = generator.normal(size=one.num_items)
    mixed = alone if one.per_group == 1 else (shared + alone) / np.sqrt(2)
    logits = (one.ability - one.spread * mixed) / TEMPERATURE
    return 1 / (1 + np.exp(-logits))


def sampled(
    name: str,
    one: Set,
    *,
    samples: int,
    generator: np.random.Generator,
    fault: Fault | None = None,
) -> GateSeries:
    """Ask child and parent each prompt k times; a fault changes the child's chances."""
    parent = np.repeat(chances_of(one, generator), samples)
    child = parent if fault is None else fault(parent, generator)
    first = (generator.random(len(parent)) < child).astype(float)
    second = (generator.random(len(parent)) < parent).astype(float)
    groups = np.repeat(np.arange(one.num_items) // one.per_group, samples)
    made = GateSeries(
        name=name,
        first=first.tolist(),
        second=second.tolist(),
        clusters=[str(group) for group in groups],
        chance=one.chance,
    )
    return made.flipped() if name in BAD else made


def pair(seed: int, *, samples: int, faults: dict[str, Fault] | None = None) -> GateInputs:
    """Return a child and its parent, equal but for the faults."""
    generator = np.random.default_rng(seed)
    faults = faults or {}

    def draw(name: str, one: Set) -> GateSeries:
        return sampled(name, one, samples=samples, generator=generator, fault=faults.get(name))

    levels = np.repeat(generator.beta(2, 5, size=NUM_MIXED), samples)
    words = [np.clip(levels + generator.normal(0, 0.1, len(levels)), 0, 1) for _ in range(3)]
    prompts = [str(number // samples) for number in range(len(levels))]
    return GateInputs(
        tasks=[draw(name, one) for name, one in TASKS.items()],
        retention={name: [draw(name, one)] for name, one in RETENTION.items()},
        code_mix=GateSeries(
            name="mix", first=words[0].tolist(), second=words[1].tolist(), clusters=prompts
        ),
        code_mix_reference=words[2][::samples].tolist(),
        exact_hits=dict.fromkeys(TASKS, 0),
        detectors={"safety": Detector(0.95, 0.95)},
        **{name: draw(name, one) for name, one in SHARES.items()},
    )


def verdicts(
    num_pairs: int,
    *,
    samples: int,
    thresholds: GateThresholds,
    faults: dict[str, Fault] | None = None,
    first_seed: int = 0,
) -> dict[str, list[Verdict]]:
    """Return the verdicts of each gate, and of all together, over many pairs."""
    found: dict[str, list[Verdict]] = {gate: [] for gate in [*thresholds.gates, "all"]}
    for seed in range(first_seed, first_seed + num_pairs):
        made = judge_region(pair(seed, samples=samples, faults=faults), thresholds=thresholds)
        for result in made:
            found[result.gate].append(result.verdict)
        found["all"].append(worst_verdict([result.verdict for result in made]))
    return found


def share(found: list[Verdict], verdict: Verdict) -> float:
    return found.count(verdict) / len(found)


def shuffled_answers(part: float, *, chance: float) -> Fault:
    """A part of the answers is drawn anew from the choices."""
    return lambda parent, _: (1 - part) * parent + part * chance


def learnt(part: float) -> Fault:
    """A part of what the parent gets wrong is right."""
    return lambda parent, _: parent + part * (1 - parent)


def lost_replies(part: float) -> Fault:
    """A part of the replies is wrong whatever the prompt: in English, or in another register."""
    return lambda parent, _: (1 - part) * parent


SHUFFLED = {name: shuffled_answers(0.05, chance=one.chance) for name, one in TASKS.items()}
ENGLISH = {"fidelity": lost_replies(0.03)}
SWAPPED = {"register": lost_replies(0.10)}
OTHER_FAULTS = {  # gate: the series and the part of its replies that goes wrong
    "forgetting": {"en": lost_replies(0.05)},
    "script": {"script": lost_replies(0.03)},
    "safety": {"harmful": lost_replies(0.06)},
    "over_refusal": {"refused": lost_replies(0.08)},
    "degeneration": {"degenerate": lost_replies(0.02)},
}


def test_a_checkpoint_sampled_twice_passes_and_is_never_better() -> None:
    twice = verdicts(20, samples=4, thresholds=REGRESSION)
    assert share(twice["all"], Verdict.PASS) >= 0.95
    promoted = verdicts(5, samples=4, thresholds=PROMOTION)["target_quality"]
    assert set(promoted) == {Verdict.INCONCLUSIVE}


def test_planted_faults_fail_their_gates() -> None:
    found = verdicts(10, samples=4, thresholds=REGRESSION, faults=SHUFFLED | ENGLISH | SWAPPED)
    for gate in ("target_quality", "fidelity", "register"):
        assert share(found[gate], Verdict.FAIL) >= 0.8
    assert share(found["forgetting"], Verdict.FAIL) == 0


def _report(found: dict[str, list[Verdict]]) -> None:
    for gate, made in found.items():
        print(gate, {str(verdict): share(made, verdict) for verdict in Verdict})


@pytest.mark.proof
def test_a_checkpoint_sampled_twice_passes_95_times_of_100() -> None:
    found = verdicts(400, samples=4, thresholds=REGRESSION, first_seed=1_000)
    _report(found)
    assert share(found["all"], Verdict.PASS) >= 0.95
    assert share(found["all"], Verdict.FAIL) <= 0.02


@pytest.mark.proof
def test_a_checkpoint_sampled_twice_is_not_called_better() -> None:
    found = verdicts(200, samples=4, thresholds=PROMOTION, first_seed=2_000)
    _report(found)
    assert share(found["target_quality"], Verdict.PASS) <= 0.05  # 2.5 % by the interval
    assert share(found["all"], Verdict.FAIL) <= 0.05


@pytest.mark.proof
def test_one_sample_a_prompt_is_inconclusive_rather_than_failed() -> None:
    found = verdicts(200, samples=1, thresholds=REGRESSION, first_seed=3_000)
    _report(found)
    assert share(found["all"], Verdict.FAIL) <= 0.05


@pytest.mark.proof
def test_a_child_that_learnt_is_called_better_80_times_of_100() -> None:
    gains = {name: learnt(0.10) for name in TASKS}  # 3 to 4 points of accuracy
    found = verdicts(100, samples=4, thresholds=PROMOTION, faults=gains)["target_quality"]
    print(share(found, Verdict.PASS))
    assert share(found, Verdict.PASS) >= 0.8


@pytest.mark.proof
@pytest.mark.parametrize("thresholds", [REGRESSION, PROMOTION], ids=["regression", "promotion"])
@pytest.mark.parametrize(
    ("gate", "faults"),
    [("target_quality", SHUFFLED), ("fidelity", ENGLISH), ("register", SWAPPED)],
)
def test_each_planted_fault_fails_80_times_of_100(
    gate: str, faults: dict[str, Fault], thresholds: GateThresholds
) -> None:
    shares = {
        samples: share(
            verdicts(100, samples=samples, thresholds=thresholds, faults=faults)[gate],
            Verdict.FAIL,
        )
        for samples in (1, 4)
    }
    print(gate, shares)
    assert shares[4] >= 0.8


@pytest.mark.proof
@pytest.mark.parametrize("gate", OTHER_FAULTS)
def test_a_fault_of_every_other_kind_fails_80_times_of_100(gate: str) -> None:
    found = verdicts(100, samples=4, thresholds=REGRESSION, faults=OTHER_FAULTS[gate])
    print(gate, share(found[gate], Verdict.FAIL))
    assert share(found[gate], Verdict.FAIL) >= 0.8
