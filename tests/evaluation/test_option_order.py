"""The same question in another order of its options, and what hangs on the order."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.manifest import write_manifest
from lokal.data.suite import Likelihood, Suite
from lokal.evaluation.comparison.column import Score, read_likelihoods
from lokal.evaluation.comparison.option_orders import describe_option_orders
from lokal.evaluation.comparison.task import Protocol, Task
from lokal.evaluation.generations import plan_parts
from lokal.evaluation.item import Item
from lokal.evaluation.items import read_items
from lokal.evaluation.option_order import add_orders, in_order, option_order, original_options
from lokal.evaluation.reply import LabelScores, to_lines
from lokal.evaluation.settings import StatisticsConfig
from lokal.evaluation.system import Kind, System

OPTIONS = {
    "id": ["gunung", "sungai", "danau", "pantai"],
    "hi": ["क्‍षेत्र", "ज़िला", "गाँव", "शहर"],
    "tl": ["bundok", "ilog", "lawa", "dagat"],
}
SYSTEM = System(name="x", kind=Kind.checkpoint, label="x", key="k", licence="")
STATISTICS = StatisticsConfig(
    confidence=0.95,
    power=0.8,
    resamples=100,
    seed=0,
    corpus_resamples=100,
    min_items=2,
    worth_showing=0.05,
    max_unread=0.02,
    min_coverage=0.98,
)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    for code, options in OPTIONS.items():
        rows = [
            {"id": f"own/{at}", "question": f"{at}?", "choices": options, "answer": at % 4}
            for at in range(12)
        ]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{code}.jsonl").write_text("".join(lines), encoding="utf-8")
    return Suite(
        name="own",
        format="choice",
        task="choice",
        likelihood=Likelihood.labels,
        items={"test": f"{tmp_path}/{{region}}.jsonl"},
        licence="CC0",
        source="here",
    )


@pytest.mark.parametrize("num_options", [2, 3, 4])
def test_no_order_comes_twice_before_all_were_used(num_options: int) -> None:
    every = list(permutations(range(num_options)))
    orders = [
        option_order("x/1", order=order, num_options=num_options) for order in range(2 * len(every))
    ]
    assert orders[0] == tuple(range(num_options))
    assert sorted(orders[: len(every)]) == sorted(orders[len(every) :]) == every


def test_an_order_hangs_on_the_items_id_alone() -> None:
    found = [option_order(f"x/{at}", order=1, num_options=4) for at in range(50)]
    assert found == [option_order(f"x/{at}", order=1, num_options=4) for at in range(50)]
    assert len(set(found)) > 15


@pytest.mark.parametrize("language", list(OPTIONS))
def test_the_right_letter_goes_with_its_text_and_leads_back(suite: Suite, language: str) -> None:
    for item in read_items(suite, split="test", language=language):
        moved = in_order(item, suite, order=1)
        at = "ABCD".index(moved.gold[0])
        choices, answer = moved.row["choices"], item.row["answer"]
        assert isinstance(choices, list)
        assert isinstance(answer, int)
        assert choices[at] == OPTIONS[language][answer]
        assert f"{moved.gold[0]}. {OPTIONS[language][answer]}" in moved.messages[1]["content"]
        assert moved.messages != item.messages
        assert original_options([moved, item], [moved.gold[0], None]) == [str(answer), None]


def test_every_order_is_a_part_of_its_own(suite: Suite) -> None:
    plan = plan_parts(SYSTEM, suite, split="test", languages=["id", "tl"])
    assert add_orders(plan.parts, option_orders=1) == plan.parts
    parts = add_orders(plan.parts, option_orders=3)
    assert [part.name for part in parts] == [
        "own-id", "own~1-id", "own~2-id", "own-tl", "own~1-tl", "own~2-tl"
    ]  # fmt: skip
    assert len({part.key for part in parts}) == 6
    texts = plan.parts[0]._replace(suite=Suite(**_values(suite, likelihood=Likelihood.texts)))
    with pytest.raises(
        UserError, match=r"option_orders=2 asks again with lettered .* own have none"
    ):
        add_orders([texts], option_orders=2)


def _values(suite: Suite, **changes: object) -> dict:
    return {name: getattr(suite, name) for name in Suite.__dataclass_fields__} | changes


def _write(
    folder: Path, suite: Suite, items: list[Item], pick: Callable[[Item], str]
) -> Mapping[str, Path]:
    """Write a system's log-likelihoods in three orders, each made by what it picks."""
    folder.mkdir()
    parts: dict[str, str] = {}
    for order in range(3):
        asked = [in_order(item, suite, order=order) for item in items] if order else items
        rows = [_scores(item, pick(item)) for item in asked]
        name = f"own~{order}-hi" if order else "own-hi"
        (folder / f"{name}.loglikelihood.jsonl").write_text(to_lines(rows), encoding="utf-8")
        parts[name] = name
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_manifest(
        folder,
        recipe="evaluate",
        key="k",
        config={},
        inputs=[],
        parts=parts,
        started_at=now,
        finished_at=now,
    )
    return {folder.name: folder}


def _scores(item: Item, letter: str) -> LabelScores:
    sums = {choice: 0.0 if choice == letter else -1.0 for choice in item.choices}
    return LabelScores(
        id=item.id,
        language="hi",
        suite="own",
        split="test",
        system="x",
        prompt_sha256="0" * 64,
        label=sums,
        label_and_end=sums,
    )


def test_who_knows_never_changes_and_who_always_says_a_mostly_does(
    suite: Suite, tmp_path: Path
) -> None:
    items = read_items(suite, split="test", language="hi")
    folders = {
        **_write(tmp_path / "parent", suite, items, lambda _: "A"),
        **_write(tmp_path / "child", suite, items, lambda item: item.gold[0]),
    }
    columns = {
        name: read_likelihoods(folder / "own-hi.loglikelihood.jsonl", items, Score.closed)
        for name, folder in folders.items()
    }
    task = Task(
        part="own-hi",
        suite=suite,
        language="hi",
        protocol=Protocol.loglikelihood,
        metric="accuracy",
        items=items,
        columns=columns,
    )
    (found,) = json.loads(json.dumps(describe_option_orders([task], folders, STATISTICS)))
    assert (found["part"], found["protocol"]) == ("own-hi", "loglikelihood")
    knows, says_a = found["systems"]["child"], found["systems"]["parent"]
    assert (knows["orders"], knows["n"]) == (3, 12)
    names = ("changed", "accuracy", "right_in_every_order")
    assert [knows[name]["value"] for name in names] == [0.0, 1.0, 1.0]
    firsts = [
        {option_order(item.id, order=order, num_options=4)[0] for order in range(3)}
        for item in items
    ]
    changed = sum(len(first) > 1 for first in firsts) / 12
    assert changed > 0.5
    assert says_a["changed"]["value"] == pytest.approx(changed, abs=1e-12)
    (folders["parent"] / "own~1-hi.loglikelihood.jsonl").unlink()
    with pytest.raises(UserError, match=r"own~1-hi\.loglikelihood\.jsonl does not exist"):
        describe_option_orders([task], folders, STATISTICS)
