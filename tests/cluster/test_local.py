"""A chain on this machine: in order; a failure takes its successors along; done work stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lokal.cluster.job import After, Job, Launch, Task, Wait
from lokal.cluster.local import run_jobs
from lokal.data.errors import ExitCode, RunError

STEP = """
import sys
from pathlib import Path
Path("order").open("a").write(" ".join(sys.argv[1:]) + "\\n")
if Path("fails").exists() and Path("fails").read_text() == " ".join(sys.argv[1:]):
    print("lokal step: the disk is too small", file=sys.stderr)
    sys.exit(int(Path("code").read_text()))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a_step.py").write_text(STEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chain(root: Path) -> list[Job]:
    jobs = []
    for step, before in (("make", ""), ("train", "make")):
        tasks = [
            Task(label=label, run_folder=root / "r" / label, words=(step, label))
            for label in ("id", "hi", "tl")
        ]
        after = (After(step=before, wait=Wait.each),) if before else ()
        jobs.append(_job(root, step, tasks, after))
    last = Task(label="", run_folder=root / "r", words=("report",))
    return [*jobs, _job(root, "report", [last], (After(step="train", wait=Wait.end),))]


def _job(root: Path, step: str, tasks: list[Task], after: tuple[After, ...]) -> Job:
    return Job(
        step=step,
        run="r",
        module="a_step",
        launch=Launch.single,
        tasks=tuple(tasks),
        folder=root / "r" / "jobs" / step,
        after=after,
    )


def fail(words: str, code: int) -> None:
    Path("fails").write_text(words)
    Path("code").write_text(str(code))


def order() -> list[str]:
    return Path("order").read_text().splitlines() if Path("order").exists() else []


def test_a_region_that_fails_takes_its_own_steps_along_and_the_report_runs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fail("make hi", 1)
    assert run_jobs(chain(here)) == ExitCode.DONE
    made = ["make id", "make hi", "make tl", "train id", "train tl", "report"]
    assert order() == made
    errors = capsys.readouterr().err
    assert "make of r (hi) failed: the disk is too small" in errors
    assert "train of r (hi) is cancelled: make did not end well" in errors
    ends = [json.loads((here / f"r/jobs/train/exit-{n}.json").read_text()) for n in range(3)]
    assert [end["state"] for end in ends] == ["finished", "cancelled", "finished"]
    fail("nothing", 0)
    assert run_jobs(chain(here)) == ExitCode.DONE
    assert order()[len(made) :] == ["make hi", "train id", "train hi", "train tl", "report"]


def test_finished_work_is_not_run_again(here: Path) -> None:
    run_jobs(chain(here))
    assert run_jobs(chain(here)) == ExitCode.DONE
    assert len(order()) == 7
    changed = chain(here)
    changed[2] = replace(
        changed[2], tasks=(replace(changed[2].tasks[0], words=("report", "again")),)
    )
    run_jobs(changed)
    assert order()[7:] == ["report again"]


def test_what_saved_as_asked_ends_the_chain_with_its_code(here: Path) -> None:
    fail("train id", 75)
    with pytest.raises(RunError, match=r"train of r .id. has saved as asked: submit") as raised:
        run_jobs(chain(here))
    assert raised.value.code == ExitCode.SAVED_RUN_AGAIN
    assert "train hi" not in order()


def test_a_last_step_that_fails_is_the_chains_end(here: Path) -> None:
    fail("report", 2)
    with pytest.raises(RunError, match="report failed; its reason stands above") as raised:
        run_jobs(chain(here))
    assert raised.value.code == ExitCode.USER_MISTAKE
