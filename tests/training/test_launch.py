"""The launcher: exit codes survive, failures end the others, workers know their rank."""

import sys
import time

import pytest
from lokal.training.launch import launch


def run(program: str, *, processes: int = 2) -> int:
    return launch([sys.executable, "-c", program], processes=processes, threads=1)


@pytest.mark.parametrize("code", [0, 1, 2, 75])
def test_passes_the_workers_exit_code_on(code: int):
    assert run(f"import sys; sys.exit({code})") == code


def test_one_failed_worker_ends_the_others_and_its_code_is_the_one_returned():
    program = "import os, sys, time; sys.exit(2) if os.environ['RANK'] == '1' else time.sleep(60)"
    started = time.monotonic()
    assert run(program) == 2
    assert time.monotonic() - started < 30


def test_a_killed_worker_counts_as_a_failure():
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") == 128 + 9


def test_each_worker_gets_its_rank_and_its_threads(tmp_path):
    program = (
        "import os, pathlib; e = os.environ; "
        f"pathlib.Path({str(tmp_path)!r}, e['RANK']).write_text("
        "' '.join([e['WORLD_SIZE'], e['LOCAL_RANK'], e['OMP_NUM_THREADS'], e['MASTER_ADDR']]))"
    )
    assert run(program, processes=3) == 0
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {str(rank): f"3 {rank} 1 127.0.0.1" for rank in range(3)}
