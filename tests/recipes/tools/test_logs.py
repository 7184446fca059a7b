"""``lokal logs`` shows each recorded step once, also while a run writes, stops and resumes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from lokal.recipes.tools.logs import follow, main


def step(number: int) -> str:
    values = {
        "step": number,
        "epoch": number / 10,
        "loss": 2.5 / number,
        "grad_norm": 0.5,
        "lr": 1e-3,
        "tokens": 640,
        "trained_tokens": 16,
        "tokens_per_second": 412.4,
        "time": "2026-01-02T03:04:05.678+00:00",
    }
    return json.dumps(values) + "\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "quickstart" / "id"
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text(step(1) + step(2))
    return folder


def finish(run: Path) -> None:
    (run / "model").mkdir()
    (run / "model" / "manifest.json").write_text("{}")


def numbers(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines]


def test_shows_a_line_a_step(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "step      2  epoch   0.20  loss   1.2500  lr 1.00e-03  norm   0.500  "
        "     412 tokens/s  2026-01-02 03:04:05"
    )


def test_finds_a_run_by_its_name_below_the_root(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quickstart/id", "--root", str(run.parents[1])]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_line_still_being_written_is_left_out(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (run / "metrics.jsonl").open("a") as stream:
        stream.write(step(3)[:20])
    assert main([str(run)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_follows_until_the_model_is_finished(run: Path) -> None:
    path = run / "metrics.jsonl"
    third = step(3)
    events: list[Callable[[], object]] = [
        lambda: path.write_text(step(1) + step(2) + third[:20]),
        lambda: path.write_text(step(1) + step(2) + third + step(4)),
        lambda: path.write_text(step(1)),  # resumed from the checkpoint of step 1
        lambda: path.write_text("".join(map(step, range(1, 5)))),
        lambda: path.write_text("".join(map(step, range(1, 6)))),
        lambda: finish(run),
    ]

    def next_event(_: float) -> None:
        events.pop(0)()

    shown = list(follow(run, sleep=next_event))
    assert numbers(shown) == [1, 2, 3, 4, 5]


def test_follows_a_run_that_has_not_written_yet(tmp_path: Path) -> None:
    def write(_: float) -> None:
        (tmp_path / "metrics.jsonl").write_text(step(1))
        finish(tmp_path)

    assert numbers(list(follow(tmp_path, sleep=write))) == [1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "there is no run 'nope', neither as a folder nor below runs/"),
        (["RUNS/quickstart"], "has no metrics.jsonl: name one of RUNS/quickstart/id"),
        (["RUNS/quickstart/empty"], "has no metrics.jsonl: it has not trained yet"),
        (["RUNS/quickstart/broken"], "holds a line that is not a step"),
    ],
)
def test_mistakes_are_one_line_and_code_2(
    run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.parent / "empty").mkdir()
    if "broken" in words[0]:
        (run.parent / "broken").mkdir()
        (run.parent / "broken" / "metrics.jsonl").write_text('{"stp": 1}\n')
    runs = str(run.parents[1])
    assert main([word.replace("RUNS", runs) for word in words]) == 2
    assert message.replace("RUNS", runs) in capsys.readouterr().err
