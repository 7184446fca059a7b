"""A run's hours stand in its ledger once a start, with their price where one was stated."""

from pathlib import Path

import pytest
from lokal.data.cost_ledger import CostEntry, read_costs
from lokal.training.gpu_hours import GpuHours
from lokal.training.settings import LaunchConfig


def book(folder: Path, *, seconds: float = 1800, **more) -> list[CostEntry]:
    now = iter([seconds / 2, seconds])
    known = {"num_processes": 4, "on_gpu": True, "usd_per_hour": 2.5}
    with GpuHours(
        folder=folder,
        system="first",
        model="Llama",
        language="hi",
        started=0.0,
        clock=lambda: next(now),
        **{**known, **more},
    ) as hours:
        hours.book()
    return read_costs(folder)


def test_hours_times_gpus_times_price_stand_there_once_a_start(tmp_path: Path) -> None:
    (entry,) = book(tmp_path)
    assert (entry.wall_hours, entry.gpu_hours, entry.num_gpus, entry.usd) == (0.5, 2.0, 4, 5.0)
    assert (entry.what, entry.language, entry.model) == ("finetune", "hi", "Llama")
    assert "launch.gpu_usd_per_hour" in entry.price_as_of
    assert len(book(tmp_path)) == 2


def test_without_a_price_the_dollars_are_unknown_not_nothing(tmp_path: Path) -> None:
    (entry,) = book(tmp_path, usd_per_hour=None)
    assert (entry.gpu_hours, entry.usd) == (2.0, None)
    assert entry.note.startswith("price unknown")


def test_a_cpu_has_no_gpu_hours(tmp_path: Path) -> None:
    (entry,) = book(tmp_path, on_gpu=False)
    assert (entry.gpu_hours, entry.num_gpus, entry.wall_hours, entry.usd) == (0.0, 0, 0.5, None)
    assert "CPU" in entry.note


def test_an_error_is_paid_for_and_other_processes_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="loss"), _hours(tmp_path / "failed", writes=True):
        raise RuntimeError("loss is not finite")
    assert len(read_costs(tmp_path / "failed")) == 1
    with _hours(tmp_path / "second", writes=False):
        pass
    assert not (tmp_path / "second").exists()


def test_a_ledger_that_cannot_be_written_ends_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    with _hours(tmp_path, writes=True):
        pass
    assert "ledger.jsonl was not written" in capsys.readouterr().err


def test_a_price_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"launch\.gpu_usd_per_hour must be above 0"):
        LaunchConfig(gpu_usd_per_hour=-1.0)


def _hours(folder: Path, *, writes: bool) -> GpuHours:
    return GpuHours(
        folder=folder,
        system="x",
        model="Llama",
        language="id",
        num_processes=1,
        on_gpu=True,
        usd_per_hour=1.0,
        writes=writes,
    )
