"""One run folder, one writer, with real processes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.training.lock import LOCK_NAME, hold_run

HOLDER = """
import sys, time
from pathlib import Path
from lokal.training.lock import hold_run
with hold_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_process_is_told_who_holds_the_folder_and_since_when(
    tmp_path: Path, holder: "subprocess.Popen[str]"
):
    with (
        pytest.raises(UserError, match=rf"written by process {holder.pid} on .*, for 0 min: wait"),
        hold_run(tmp_path),
    ):
        pytest.fail("two hold it")


def test_a_killed_owner_holds_nothing(tmp_path: Path, holder: "subprocess.Popen[str]"):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK_NAME).exists()
    with hold_run(tmp_path):
        pass
    assert not (tmp_path / LOCK_NAME).exists()


def foreign(folder: Path) -> Path:
    """Write what a process on another machine would have written."""
    owner = {
        "host": "node7",
        "machine": "node7 x",
        "pid": 4,
        "started_at": "2026-01-01T00:00:00+00:00",
    }
    path = folder / LOCK_NAME
    path.write_text(json.dumps(owner))
    return path


def test_another_machines_lock_that_is_no_longer_touched_is_taken_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    foreign(tmp_path)
    with hold_run(tmp_path, patience_seconds=0.3):
        assert "process 4 on node7: watches" in capsys.readouterr().err


def test_another_machines_lock_that_is_touched_is_held(tmp_path: Path):
    path = foreign(tmp_path)
    code = f"import os, time\nfor _ in range(99):\n time.sleep(0.05)\n os.utime({str(path)!r})"
    owner = subprocess.Popen([sys.executable, "-c", code])
    try:
        with (
            pytest.raises(UserError, match="written by process 4 on node7"),
            hold_run(tmp_path, patience_seconds=30),
        ):
            pytest.fail("two hold it")
    finally:
        owner.kill()
        owner.wait()


def test_the_owner_touches_its_file(tmp_path: Path):
    with hold_run(tmp_path, beat_seconds=0.02):
        before = (tmp_path / LOCK_NAME).stat().st_mtime_ns
        while (tmp_path / LOCK_NAME).stat().st_mtime_ns == before:
            time.sleep(0.02)
