"""Worker processes that end in the middle: the run ends with one line, and never hangs."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from datatrove.data import Document
from lokal.data.engine import run_stages
from lokal.data.errors import RunError, UserError
from lokal.data.settings import Engine
from lokal.data.stage import Stage
from lokal.data.steps.step import Step


class DiesOfHunger(Step):
    """What the kernel does to the first task when memory runs out."""

    name = "dies of hunger"

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        yield from documents
        if rank == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


class FailsAtOnce(Step):
    """The first task finds a fault while the second is still busy."""

    name = "fails at once"

    def stream(self, documents: Iterable[Document], *, rank: int) -> Iterator[Document]:
        yield from documents
        if rank == 0:
            raise UserError("ang file ay sira")
        time.sleep(60)


def run(step: Step, work: Path) -> None:
    stage = Stage(name="read", steps=[step], num_tasks=2)
    run_stages([stage], work=work, engine=Engine(), num_workers=2, label="tl")


def test_a_killed_worker_ends_the_run_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a worker process was killed.*engine.workers=2"):
        run(DiesOfHunger(), tmp_path)


def test_a_fault_in_one_worker_does_not_wait_for_the_others(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match="ang file ay sira"):
        run(FailsAtOnce(), tmp_path)
    assert time.monotonic() - began < 50
