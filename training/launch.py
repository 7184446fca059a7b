"""Starts the processes of a run on this machine, and ends them together.

Not torchrun: it turns every failure into exit code 1, while a scheduler needs to tell them apart
and a user needs 2 with one line. Under torchrun this file is not used.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

_SECONDS_TO_SAVE = 60.0
"""After one process has ended badly the others get this long before they are killed."""
_LOOPBACK = "127.0.0.1"
_OF_LOKAL = "LOKAL_WORKER"


def is_worker() -> bool:
    """Return whether a launcher (ours or torchrun) has started this process."""
    return "RANK" in os.environ


def keeps_folder() -> bool:
    """Return whether this process answers for the run's folder: its lock, record and state.

    The launcher does for its workers; under torchrun the first process does.
    """
    return _OF_LOKAL not in os.environ and os.environ.get("RANK", "0") == "0"


def leave(code: int) -> NoReturn:
    """End this process with the code; a worker ends without taking its process group down.

    All is written by then. Destroying a gloo group can hang (torch 2.13, seen with DDP): freeing
    the reducer joins gloo's thread while it holds the interpreter lock, for which that thread waits
    to free its last tensor.
    """
    if is_worker():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def launch(command: Sequence[str], *, processes: int, threads: int) -> int:
    """Run the command once a rank and return the first exit code that is not 0.

    SIGTERM, SIGUSR1 and SIGINT are passed on. Workers die with the launcher, however it dies.

    Args:
        command: program and arguments, the same for every rank.
        threads: OpenMP threads of each process; processes x threads should not exceed the cores.
    """
    environment = os.environ | {
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": _LOOPBACK,
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": str(threads),
        _OF_LOKAL: "1",
    }
    workers = [
        subprocess.Popen(
            list(command),
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            preexec_fn=die_with_parent,
        )
        for rank in range(processes)
    ]
    previous = {
        number: signal.signal(number, lambda n, _frame: _pass_on(workers, n))
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
    }
    try:
        return _wait(workers)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        _kill(workers)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies (prctl PR_SET_PDEATHSIG).

    For ``subprocess``'s ``preexec_fn``: a killed run then leaves no process behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _wait(workers: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Wait for all; once one has failed, give the rest a bounded time to save and end."""
    failed: int | None = None
    deadline = float("inf")
    while None in [worker.poll() for worker in workers]:
        bad = [worker.returncode for worker in workers if worker.returncode not in (None, 0)]
        if bad and failed is None:
            failed = bad[0]
            deadline = time.monotonic() + _SECONDS_TO_SAVE
            if failed != 75:
                _pass_on(workers, signal.SIGKILL)
        if time.monotonic() > deadline:
            _kill(workers)
        time.sleep(0.05)
    codes = [worker.returncode for worker in workers if worker.returncode != 0]
    first = failed if failed is not None else (codes[0] if codes else 0)
    return 128 - first if first < 0 else first


def _pass_on(workers: Sequence["subprocess.Popen[bytes]"], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(number)


def _kill(workers: Sequence["subprocess.Popen[bytes]"]) -> None:
    _pass_on(workers, signal.SIGKILL)
    for worker in workers:
        worker.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
