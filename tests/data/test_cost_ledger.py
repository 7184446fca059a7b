"""The ledger of costs loses no line, counts none twice, and knows a broken one."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from lokal.data.cost_ledger import LEDGER_NAME, CostEntry, CostKind, append_cost, read_costs
from lokal.data.errors import UserError

AT = "2026-11-27T17:00:00+00:00"


def api(language: str, usd: float | None, **more) -> CostEntry:
    return CostEntry(
        kind=CostKind.api,
        what="collect_baseline",
        at=AT,
        vendor="openai",
        model="gpt",
        language=language,
        usd=usd,
        **more,
    )


def test_entries_come_back_as_they_were_written(tmp_path: Path) -> None:
    entries = [api("hi", 0.25, questions=3, input_tokens=900), api("id", None, note="कोई दाम नहीं")]
    for entry in entries:
        append_cost(tmp_path / "new" / "folder", entry)
    assert read_costs(tmp_path / "new" / "folder") == entries
    assert read_costs(tmp_path) == []


def test_a_running_total_counts_once(tmp_path: Path) -> None:
    for usd in (0.1, 0.2, 0.4):
        append_cost(tmp_path, api("hi", usd, id="collect-hi"))
        append_cost(tmp_path, api("tl", 1.0))
    costs = read_costs(tmp_path)
    assert [cost.usd for cost in costs if cost.language == "hi"] == [0.4]
    assert sum(cost.usd or 0 for cost in costs) == pytest.approx(3.4)
    assert len((tmp_path / LEDGER_NAME).read_text().splitlines()) == 6


def test_a_last_line_cut_short_is_left_out_and_then_cut_off(tmp_path: Path) -> None:
    append_cost(tmp_path, api("hi", 1.0))
    path = tmp_path / LEDGER_NAME
    whole = path.read_bytes()
    for kept in (1, 40, len(whole) - 1):
        path.write_bytes(whole + whole[:kept])
        assert [cost.usd for cost in read_costs(tmp_path)] == [1.0]
        append_cost(tmp_path, api("tl", 2.0))
        assert [cost.usd for cost in read_costs(tmp_path)] == [1.0, 2.0]
    path.write_bytes(whole[:20])  # nothing whole at all
    append_cost(tmp_path, api("tl", 2.0))
    assert [cost.usd for cost in read_costs(tmp_path)] == [2.0]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"kind": "api"}', '{"kind": "gold", "what": "x", "at": ""}', ""],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    append_cost(tmp_path, api("hi", 1.0))
    with (tmp_path / LEDGER_NAME).open("a") as stream:
        stream.write(line + "\n")
    append_cost(tmp_path, api("hi", 1.0))
    with pytest.raises(UserError, match=rf"{LEDGER_NAME}:2 is no cost .*: remove the line"):
        read_costs(tmp_path)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_no_cost_below_nothing_or_without_a_number(value: float) -> None:
    with pytest.raises(ValueError, match="usd must be 0 or more"):
        api("hi", value)
    with pytest.raises(ValueError, match="gpu_hours must be 0 or more"):
        CostEntry(kind=CostKind.gpu, what="finetune", at=AT, gpu_hours=value)


def _write_many(folder: Path, name: str) -> None:
    for number in range(10_000):
        append_cost(folder, api("hi", 1.0, id=f"{name}-{number}", note="x" * 300))


def test_two_killed_writers_leave_whole_lines_and_no_gap(tmp_path: Path) -> None:
    start = multiprocessing.get_context("spawn")
    writers = [start.Process(target=_write_many, args=(tmp_path, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for number, writer in enumerate(writers):
        while len(read_costs(tmp_path)) < 50 * (number + 1):
            time.sleep(0.02)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    append_cost(tmp_path, api("hi", 1.0, id="last"))
    ids = [cost.id for cost in read_costs(tmp_path)]
    assert ids[-1] == "last"
    for name in ("a", "b"):
        numbers = [int(one.split("-")[1]) for one in ids if one.startswith(f"{name}-")]
        assert numbers == list(range(len(numbers)))
