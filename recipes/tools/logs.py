"""Show a run: its jobs' states and logs, and its training steps; also while it goes on (-f)."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...cluster.find import find_run
from ...cluster.logs import JobLogs
from ...data.errors import ExitCode, UserError
from ...data.manifest import MANIFEST_NAME
from ...training.lock import LOCK_NAME

_SECONDS_BETWEEN_LOOKS = 0.5


class _Step(NamedTuple):
    number: int
    line: str


def main(argv: Sequence[str] | None = None) -> int:
    """Print a run's logs and steps; with ``-f`` go on until nothing of it waits or runs."""
    parser = argparse.ArgumentParser(prog="lokal logs", description=__doc__)
    parser.add_argument("run", help="a run's name, such as quickstart/id, or its folder")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for what comes")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs lie (runs)")
    words = parser.parse_args(argv)
    try:
        folder = find_run(words.run, root=words.root)
        lines = follow(folder, sleep=time.sleep) if words.follow else read(folder)
        for line in lines:
            print(line, flush=True)
    except UserError as error:
        print(f"lokal logs: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return ExitCode.DONE


def read(folder: Path) -> Iterator[str]:
    """Yield the logs of the run's jobs, then a line for each step that it has recorded.

    Raises:
        UserError: the run has neither.
    """
    logs = JobLogs(folder)
    yield from logs.new_lines()
    path = folder / "metrics.jsonl"
    if not path.is_file():
        if logs.has_jobs:
            return
        inner = sorted(str(found.parent) for found in folder.glob("*/metrics.jsonl"))
        cure = (
            f"name one of {', '.join(inner)}" if inner else "it has not trained yet, wait with -f"
        )
        raise UserError(f"{folder} has no metrics.jsonl: {cure}")
    for step in _new_steps(path, start=0).steps:
        yield step.line


def follow(
    folder: Path, *, sleep: Callable[[float], None], clock: Callable[[], float] = time.monotonic
) -> Iterator[str]:
    """Yield what there is and what comes, until no job and no process works on the run.

    Without a job it is the model that ends it. A resumed run cuts its record back and goes on;
    steps that were shown are not shown again.
    """
    logs, steps = JobLogs(folder, clock=clock), _Steps(folder / "metrics.jsonl")
    while True:
        is_model = (folder / "model" / MANIFEST_NAME).is_file()  # before reading: miss nothing
        is_held = (folder / LOCK_NAME).is_file()
        yield from logs.new_lines()
        yield from steps.new_lines()
        if not logs.is_active and (is_model or (logs.has_jobs and not is_held)):
            return
        sleep(_SECONDS_BETWEEN_LOOKS)


class _Steps:
    """Reads the steps of a run, each once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = 0
        self._last = 0

    def new_lines(self) -> Iterator[str]:
        """Yield a line for each step that has come."""
        if not self._path.is_file():
            return
        if self._path.stat().st_size < self._start:
            self._start = 0
        part = _new_steps(self._path, start=self._start)
        self._start = part.end
        for step in part.steps:
            if step.number > self._last:
                self._last = step.number
                yield step.line


class _Part(NamedTuple):
    steps: list[_Step]
    end: int
    """Bytes of the file that whole lines take."""


def _new_steps(path: Path, *, start: int) -> _Part:
    """Return the whole lines after ``start`` bytes; a line that is still being written waits."""
    with path.open("rb") as stream:
        stream.seek(start)
        content = stream.read()
    whole = content[: content.rfind(b"\n") + 1]
    return _Part([_read_step(line, path) for line in whole.splitlines()], start + len(whole))


def _read_step(line: bytes, path: Path) -> _Step:
    try:
        row = json.loads(line)
        if "skipped" in row:
            return _Step(int(row["step"]), f"step {row['step']:>6}  skipped: {row['skipped']}")
        text = (
            f"step {row['step']:>6}  epoch {row['epoch']:6.2f}  loss {row['loss']:8.4f}  "
            f"lr {row['lr']:.2e}  norm {row['grad_norm']:7.3f}  "
            f"{row['tokens_per_second']:8.0f} tokens/s  {row['time'][:19].replace('T', ' ')}"
        )
        return _Step(int(row["step"]), text)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} holds a line that is not a step: {line[:80]!r}") from error


if __name__ == "__main__":
    sys.exit(main())
