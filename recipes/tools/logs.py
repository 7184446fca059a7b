"""Show a run's training steps as readable lines, also while it trains (-f)."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...data.errors import ExitCode, UserError
from ...data.manifest import MANIFEST_NAME

_SECONDS_BETWEEN_LOOKS = 0.5


class _Step(NamedTuple):
    number: int
    line: str


def main(argv: Sequence[str] | None = None) -> int:
    """Print the steps of a run; with ``-f`` go on until its model is finished."""
    parser = argparse.ArgumentParser(prog="lokal logs", description=__doc__)
    parser.add_argument("run", help="a run's name, such as quickstart/id, or its folder")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for new steps")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs lie (runs)")
    words = parser.parse_args(argv)
    try:
        folder = _find_run(words.run, root=words.root)
        steps = follow_steps(folder, sleep=time.sleep) if words.follow else read_steps(folder)
        for line in steps:
            print(line, flush=True)
    except UserError as error:
        print(f"lokal logs: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return ExitCode.DONE


def read_steps(folder: Path) -> Iterator[str]:
    """Yield a line for each step that the run has recorded.

    Raises:
        UserError: the run has recorded none.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        inner = sorted(str(found.parent) for found in folder.glob("*/metrics.jsonl"))
        cure = (
            f"name one of {', '.join(inner)}" if inner else "it has not trained yet, wait with -f"
        )
        raise UserError(f"{folder} has no metrics.jsonl: {cure}")
    for step in _new_steps(path, start=0).steps:
        yield step.line


def follow_steps(folder: Path, *, sleep: Callable[[float], None]) -> Iterator[str]:
    """Yield the steps recorded so far and each new one, until the run's model is finished.

    A resumed run cuts its record back and goes on; steps that were shown are not shown again.
    """
    path, start, last = folder / "metrics.jsonl", 0, 0
    while True:
        is_finished = (folder / "model" / MANIFEST_NAME).is_file()  # before reading: miss nothing
        if path.is_file():
            if path.stat().st_size < start:
                start = 0
            part = _new_steps(path, start=start)
            start = part.end
            for step in part.steps:
                if step.number > last:
                    last = step.number
                    yield step.line
        if is_finished:
            return
        sleep(_SECONDS_BETWEEN_LOOKS)


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


def _find_run(run: str, *, root: Path) -> Path:
    for folder in (Path(run), root / run):
        if folder.is_dir():
            return folder
    raise UserError(f"there is no run {run!r}, neither as a folder nor below {root}/")


if __name__ == "__main__":
    sys.exit(main())
