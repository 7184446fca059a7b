"""``lokal judge`` from end to end: a judge behind a loopback server, and checkpoints on disk."""

import json
import shutil
from pathlib import Path

import pytest
from lokal.data.cost_ledger import read_costs

from .fake_judge import always_first, honest, pairwise_answer
from .judged_run import JudgedRun, judge_server

NUM = 40
NAME = "openai_compatible-judge-1"


@pytest.fixture
def run(tmp_path: Path) -> JudgedRun:
    made = JudgedRun(tmp_path)
    made.open_suite(["id", "hi", "tl"], num_items=NUM)
    for language in ("id", "hi", "tl"):
        made.say("parent", language, NUM, lambda n: n % 2)
        made.say(f"child-{language}", language, NUM, lambda n: 2 if n < 30 else 0)
    return made


def test_a_fit_judge_behind_a_server_says_who_wins_with_intervals(
    run: JudgedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    with judge_server(honest) as server:
        assert run.judge("languages=[id,hi,tl]", server=server) == 0
        asked = len(server.asked)
        assert run.judge("languages=[id,hi,tl]", server=server) == 0  # finished: nobody is asked
        assert len(server.asked) == asked
    summary = run.summary()
    for language in ("id", "hi", "tl"):
        judge = summary["judges"][NAME]["languages"][language]
        assert (judge["fitness"], judge["flips"]["share"], judge["unreadable"]["share"]) == (
            "fit",
            0,
            0,
        )
        assert judge["calibration"]["words"] == "not calibrated (0 of 200)"
        pair = summary["pairs"][language][f"child-{language} - parent"]
        # 30 wins; of the last ten, five ties at no quality and five losses.
        assert pair["judges"][NAME]["outcomes"]["judged"] == {"left": 30, "tie": 0, "right": 5}
        assert pair["judges"][NAME]["outcomes"]["identical"] == 5
        assert pair["panel"]["win_rates"]["all"]["value"] == pytest.approx(32.5 / 40)
    row = run.rows(NAME)[0]
    assert [order["winner"] for order in row["orders"]] == ["left", "left"]
    assert "A says" in row["orders"][0]["reasons"]
    costs = read_costs(run.root / "x")
    assert sum(cost.questions for cost in costs) == 3 * 35 * 2
    assert {cost.usd for cost in costs} == {0.0}
    assert "not calibrated (0 of 200)" in capsys.readouterr().out


def test_a_position_biased_judge_is_unfit_and_nothing_of_it_is_used(
    run: JudgedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    with judge_server(always_first) as server:
        run.judge("languages=[hi]", server=server)
    judge = run.summary()["judges"][NAME]["languages"]["hi"]
    assert judge["fitness"] == "unfit"
    assert (judge["flips"]["share"], judge["first_slot"]["share"]) == (1, 1)
    pair = run.summary()["pairs"]["hi"]["child-hi - parent"]
    assert pair["panel"] is None
    assert "win_rates" not in pair["judges"][NAME]
    assert pair["judges"][NAME]["outcomes"]["judged"] == {"left": 0, "tie": 35, "right": 0}
    shown = capsys.readouterr().out
    assert "it changes its verdict on 100 % (90-100) of the pairs" in shown
    assert "no judge of the panel is shown to be fit" in shown


def test_a_system_against_itself_ties_under_any_judge(run: JudgedRun) -> None:
    shutil.copytree(run.root / "x/generations/parent", run.root / "x/generations/again")
    with judge_server(always_first) as server:
        run.judge("languages=[id]", "systems=[parent,again]", server=server)
        assert not [asked for asked in server.asked if "chat" in str(asked)]
    pair = run.summary()["pairs"]["id"]["again - parent"]
    assert pair["judges"][NAME]["outcomes"]["identical"] == NUM
    assert run.summary()["judges"][NAME]["languages"]["id"]["fitness"] == "too few pairs"


def test_verdicts_that_cannot_be_read_are_asked_for_once_more_then_counted(run: JudgedRun) -> None:
    def sometimes(texts: dict[str, str]) -> str:
        is_odd = "3" in texts["user's message"]
        return pairwise_answer("A")[:-3] if is_odd else honest(texts)

    with judge_server(sometimes) as server:
        run.judge("languages=[tl]", "max_unreadable=0.5", server=server)
    summary = run.summary()
    outcomes = summary["pairs"]["tl"]["child-tl - parent"]["judges"][NAME]["outcomes"]
    broken = [row for row in run.rows(NAME) if row["how"] == "unreadable"]
    assert outcomes["unreadable"] == len(broken) == 8
    assert {order["tries"] for row in broken for order in row["orders"]} == {2}
    assert {row["outcome"] for row in broken} == {None}
    unreadable = summary["judges"][NAME]["languages"]["tl"]["unreadable"]
    assert (unreadable["n"], unreadable["share"]) == (70, pytest.approx(16 / 70))
    with judge_server(sometimes) as server:
        run.judge("languages=[tl]", "overwrite=true", server=server)
    judge = run.summary()["judges"][NAME]["languages"]["tl"]
    assert judge["fitness"] == "unfit"
    assert "of its verdicts cannot be read" in judge["why"]


def test_a_judge_of_the_vendor_of_either_side_is_refused(
    run: JudgedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.say("gpt-4", "id", NUM, lambda n: 1, label="gpt-4")
    with judge_server(honest) as server:
        url = server.url("openai_compatible")
        panel = f"panel=['compatible:gpt-oss-20b@{url}']"
        assert run.judge("languages=[id]", "systems=[parent,gpt-4]", panel) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "judge openai_compatible-gpt-oss-20b is openai's, as is gpt-4: a judge prefers" in line
    assert "leave gpt-4 out of systems" in line
    assert not (run.root / "x/judge/pairwise-o").exists()


def test_the_parents_own_weights_may_not_judge_their_child(
    run: JudgedRun, tiny_llama_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.say("parent", "id", NUM, lambda n: 0, folder=str(tiny_llama_folder))
    words = ["languages=[id]", f"panel=['{tiny_llama_folder}']"]
    assert run.judge(*words) == 2
    assert "shares its tokenizer, so its family of weights, with parent" in capsys.readouterr().err
    assert run.judge(*words, "try_own_vendor=true", "min_pairs=5") == 0
    name = tiny_llama_folder.name
    assert run.summary()["judges"][name]["unused"].startswith(f"judge {name} shares its tokenizer")
    assert run.summary()["pairs"]["id"]["child-id - parent"]["panel"] is None
    # Prompts longer than the 512 positions of this checkpoint are no verdicts, and said so.
    why = run.summary()["judges"][name]["languages"]["id"]["why"]
    assert why == "100 % (94-100) of its verdicts cannot be read"


def test_a_checkpoint_with_room_fills_in_whole_verdicts_and_goes_on_after_a_kill(
    run: JudgedRun, tiny_llama_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models/judge"
    shutil.copytree(tiny_llama_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 8192}))
    words = [
        "languages=[tl]",
        f"panel=['{folder}']",
        "suite=few",
        "reason_tokens=4",
        "min_pairs=3",
        "try_own_vendor=true",
    ]
    run.open_suite(["tl"], num_items=3, name="few")
    run.say("parent", "tl", 3, lambda n: 0, suite="few")
    run.say("child-tl", "tl", 3, lambda n: 1, suite="few")
    assert run.judge(*words) == 0
    rows = run.rows("judge", suite="few")
    assert {row["how"] for row in rows} == {"judged"}
    orders = [order for row in rows for order in row["orders"]]
    assert all(set(order["criteria"]) > {"task", "facts"} for order in orders)
    table = (run.root / "x/judge/pairwise-few/table.txt").read_bytes()
    journal = next((run.root / "x/judge/answers").glob("judge-*.jsonl.partial"))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # as a kill leaves it
    assert run.judge(*words, "overwrite=true") == 0
    assert run.rows("judge", suite="few") == rows
    assert (run.root / "x/judge/pairwise-few/table.txt").read_bytes() == table


def test_a_suite_that_is_not_on_the_allow_list_goes_to_no_other_machine(
    run: JudgedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["languages=[id]", "panel=['compatible:judge-1@https://judge.invalid/v1']"]
    assert run.judge(*words) == 2
    assert "the price of judge-1 is unknown, so no cap would hold" in capsys.readouterr().err
    prices = run.folder / "configs/prices"
    prices.mkdir()
    (prices / "mine.yaml").write_text(
        "prices: [{model: judge-1, input_usd: 1, output_usd: 2, as_of: 2026-01-01, source: here}]"
    )
    assert run.judge(*words, "price_table=mine", "confirm_cost=true") == 2
    shown = capsys.readouterr().err
    assert "nothing is sent to judge.invalid" in shown
    assert "does not say may_leave: true" in shown
