"""How judges behave in both orders, whom they may judge, and what people say of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from lokal.data.errors import ExitCode, RunError, UserError
from lokal.evaluation.judge.asking import Judge
from lokal.evaluation.judge.calibration import State, calibrate
from lokal.evaluation.judge.fitness import Fitness, Limits, judge_rates
from lokal.evaluation.judge.golden import measure_drift, read_golden
from lokal.evaluation.judge.pairwise import Pair, PairRow, judge_pairs
from lokal.evaluation.judge.vendors import conflict, vendors_named, vendors_of_system
from lokal.evaluation.judge.votes import HumanVote, Vote, read_votes

from .fake_judge import (
    GOOD,
    FakeAsk,
    Rule,
    always_first,
    fake_judge,
    honest,
    pairwise_answer,
    read_prompt,
)
from .replies import HONEST, item, unchecked

LIMITS = Limits(max_flips=0.25, max_unreadable=0.1, min_pairs=30, confidence=0.95)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rows(rule: Rule, num_pairs: int, *, broken: int = 0) -> list[PairRow]:
    """Return pairs of which the left reply is the better one in two of three."""
    pairs = []
    for number in range(num_pairs):
        of = item("hi", item_id=f"open/{number}")
        texts = [f"{HONEST['hi']} {number}", f"{HONEST['hi']} {GOOD} {number}"]
        left, right = texts[::-1] if number % 3 else texts
        pairs.append(Pair(unchecked(of, left), unchecked(of, right, system="parent")))
    judge = fake_judge(rule, broken=broken)
    return judge_pairs(judge, pairs, suite="open", seed=0, max_tokens=500)


def biased(share: float) -> Rule:
    """Return a judge that names the first reply in this share of pairs, whatever they hold."""

    def rule(texts: dict[str, str]) -> str:
        pair = sorted([texts["reply A"], texts["reply B"]])
        is_biased = Random(json.dumps(pair)).random() < share
        return always_first(texts) if is_biased else honest(texts)

    return rule


@pytest.mark.parametrize(
    ("rule", "num_pairs", "fitness"),
    [
        (honest, 60, Fitness.fit),
        (biased(0.1), 60, Fitness.fit),
        (biased(0.5), 60, Fitness.unfit),
        (always_first, 60, Fitness.unfit),
        (always_first, 12, Fitness.unfit),  # few, but the interval already shows it
        (honest, 12, Fitness.unknown),
        (lambda _: pairwise_answer("tie"), 60, Fitness.unfit),
    ],
)
def test_a_judge_that_leans_on_the_order_or_tells_nothing_apart_is_unfit(
    rule: Rule, num_pairs: int, fitness: Fitness
) -> None:
    assert judge_rates(rows(rule, num_pairs), LIMITS).fitness is fitness


def test_the_rates_count_what_they_say() -> None:
    made = judge_rates(rows(honest, 60), LIMITS)
    assert (made.flips.estimate, made.first_slot.estimate, made.ties.estimate) == (0, 0.5, 0)
    made = judge_rates(rows(always_first, 60), LIMITS)
    assert (made.flips.estimate, made.reversals.estimate, made.first_slot.estimate) == (1, 1, 1)
    assert made.ties.estimate == 1

    def shy(texts: dict[str, str]) -> str:
        """Name a winner only where it stands first."""
        better = texts["reply A"].count(GOOD) > texts["reply B"].count(GOOD)
        return pairwise_answer("A" if better else "tie")

    made = judge_rates(rows(shy, 60), LIMITS)
    assert (made.flips.estimate, made.reversals.estimate, made.first_slot.estimate) == (1, 0, 1)


def test_one_unreadable_answer_is_asked_again_two_are_left_out() -> None:
    made = judge_rates(rows(honest, 40, broken=1), LIMITS)
    assert (made.num_pairs, made.unreadable.estimate, made.fitness) == (40, 0, Fitness.fit)
    made = judge_rates(rows(honest, 40, broken=2), LIMITS)
    assert (made.num_pairs, made.unreadable.estimate, made.fitness) == (0, 1, Fitness.unfit)
    assert "100 % (95-100) of its verdicts cannot be read" in made.why


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("gpt-4.1-2025-04-14", "openai"),
        ("gpt-oss-120b", "openai"),
        ("o3-mini", "openai"),
        ("claude-sonnet-5-5", "anthropic"),
        ("gemini-2.5-pro", "google"),
        ("gemma-3-27b-it", "google"),
        ("Llama-3.3-70B-Instruct", "meta"),
        ("llama3.1", "meta"),
        ("SmolLM2-135M", "huggingface"),
        ("Qwen3-32B", "alibaba"),
        ("mistral-large-latest", "mistral"),
    ],
)
def test_a_vendor_is_told_by_a_models_name(name: str, vendor: str) -> None:
    assert vendors_named([name]) == {vendor}


def test_sides_are_known_by_recording_server_licence_and_tokenizer(tiny_llama_folder: Path) -> None:
    assert vendors_of_system({"label": "x", "recording": {"model": "gpt-4"}}) == {"openai"}
    assert vendors_of_system({"label": "x", "server": {"model": "claude-x"}}) == {"anthropic"}
    assert vendors_of_system({"label": "local", "licence": "llama3.1 + MIT"}) == {"meta"}
    own = vendors_of_system({"label": "local", "folder": str(tiny_llama_folder)})
    assert len(own) == 2  # its tokenizer, and the name of its folder
    judge = fake_judge(vendors=[*own])
    assert "its family of weights" in conflict(judge, {"child": own})
    assert conflict(fake_judge(vendors=["meta"]), {"gpt-4": frozenset({"openai"})}) == ""


def votes(made: list[PairRow], *, agree: float, people_agree: float) -> list[HumanVote]:
    """Return two votes a pair: the first with the judge, the second with the first, so often."""
    random = Random(0)
    found = []
    for row in made:
        sides = ["a", "b"] if row.outcome == "left" else ["b", "a"]
        first = sides[random.random() >= agree]
        second = first if random.random() < people_agree else {"a": "b", "b": "a"}[first]
        for reviewer, vote in (("one", first), ("two", second)):
            found.append(
                HumanVote(
                    item=row.id,
                    language="hi",
                    left="child",
                    right="parent",
                    vote=Vote(vote),
                    reviewer=reviewer,
                )
            )
    return found


def test_calibration_holds_a_judge_against_people_who_disagree_too() -> None:
    made = rows(honest, 240)
    few = calibrate(
        made, votes(made[:199], agree=1, people_agree=1), language="hi", confidence=0.95
    )
    assert (few.state, few.words) == (State.too_few, "not calibrated (199 of 200)")
    good = calibrate(made, votes(made, agree=0.9, people_agree=0.8), language="hi", confidence=0.95)
    assert good.state is State.calibrated
    bad = calibrate(made, votes(made, agree=0.6, people_agree=0.9), language="hi", confidence=0.95)
    assert bad.state is State.below_people
    assert bad.people.estimate == pytest.approx(0.9, abs=0.05)
    assert good.skill is not None
    none = calibrate(made, [], language="hi", confidence=0.95)
    assert none.words == "not calibrated (0 of 200)"


def test_a_vote_counts_for_its_system_whichever_side_it_stood_on() -> None:
    vote = HumanVote(
        item="i", language="id", left="parent", right="child", vote=Vote.b, reviewer="r"
    )
    assert (vote.for_pair("child"), vote.for_pair("parent")) == ("left", "right")
    bad = HumanVote(
        item="i", language="id", left="parent", right="child", vote=Vote.both_bad, reviewer="r"
    )
    assert bad.for_pair("child") == ""


def test_a_broken_votes_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    row = {"item": "i", "language": "id", "left": "p", "right": "c", "vote": "a", "reviewer": "r"}
    path.write_text("\n".join(json.dumps(one) for one in (row, {**row, "vote": "c"})))
    with pytest.raises(UserError, match=r"votes.jsonl:2 is no vote"):
        read_votes(path)
    path.write_text("\n".join(json.dumps(one) for one in (row, {**row, "vote": "tie"})))
    assert [vote.vote for vote in read_votes(path)] == [Vote.tie]


def golden_file(folder: Path, *, num_pairs: int = 100) -> Path:
    path = folder / "golden.jsonl"
    lines = [
        {
            "id": f"g{n}",
            "language": ("id", "hi", "tl")[n % 3],
            "prompt": "?",
            "left": f"{GOOD} {n}",
            "right": str(n),
            "winner": "left",
        }
        for n in range(num_pairs)
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_a_judge_that_changes_under_its_name_stops_the_run(tmp_path: Path) -> None:
    path = golden_file(tmp_path)

    def drift(judge: Judge, run: str) -> float:
        made = measure_drift(
            judge,
            read_golden(path),
            source=path,
            memory=tmp_path / "memory",
            seed=0,
            max_tokens=100,
            run=run,
            now=NOW,
        )
        return made.agreement

    def worse_by(share: int) -> Rule:
        def rule(texts: dict[str, str]) -> str:
            number = int(texts["reply A"].split()[-1])
            return pairwise_answer("tie") if number < share else honest(texts)

        return rule

    judge = fake_judge(honest)
    assert drift(judge, "first") == 1.0
    assert drift(judge, "second") == 1.0
    assert isinstance(judge.ask, FakeAsk)
    keys = [one.key for one in judge.ask.questions]
    assert len(set(keys)) == 400  # each run asks anew
    assert drift(fake_judge(worse_by(5)), "third") == 0.95
    with pytest.raises(
        RunError, match=r"judge fake has changed: .* 94% .* 100% on 2026-01-01"
    ) as e:
        drift(fake_judge(worse_by(6)), "fourth")
    assert e.value.code is ExitCode.GATE_FAILED


def test_a_golden_set_has_a_hundred_pairs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds 99 pairs"):
        read_golden(golden_file(tmp_path, num_pairs=99))


def test_the_rubric_comes_with_its_points_and_no_system_is_named() -> None:
    from lokal.evaluation.judge.prompt import rubric_messages

    of = item("tl", rubric=("Says po", 'No "invented" price'))
    messages = rubric_messages(of, HONEST["tl"], seed=0)
    assert read_prompt(messages)["reply"] == HONEST["tl"]
    assert '2. "No \\"invented\\" price"' in messages[1]["content"]
    assert messages[0] == rubric_messages(item("id"), HONEST["id"], seed=1)[0]  # cached
    assert "parent" not in str(messages)
    assert "child" not in str(messages)
