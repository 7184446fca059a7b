"""End a chain of jobs: compare the regions that came through, and say which did not and why."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...cluster.failure import why_not
from ...cluster.record import JobRecord
from ...data.errors import ExitCode, RunError, UserError
from ...data.progress import say
from ...data.quiet import quieten
from ..chain import PER_REGION
from ..compare import compare
from ..words import has, without, word

_USAGE = "usage: lokal conclude JOBS_FOLDER key=value ...   (the settings of lokal compare)"


class _Ends(NamedTuple):
    """What became of the tasks of a chain."""

    done: list[str]
    failed: dict[str, str]
    """Label and reason."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report of a chain; 5 where a region or a baseline is missing from it."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("--help", "-h"):
        print(f"{_USAGE}\n\n{__doc__}")
        return ExitCode.DONE
    quieten()
    try:
        return _conclude(Path(words[0]), words[1:])
    except (UserError, RunError) as error:
        print(f"lokal conclude: {' '.join(str(error).split())}", file=sys.stderr)
        return error.code if isinstance(error, RunError) else ExitCode.USER_MISTAKE


def _conclude(folder: Path, words: Sequence[str]) -> int:
    regions = _regions(folder)
    parent, baselines = _ends(folder, "evaluate-parent"), _ends(folder, "evaluate-baselines")
    for label, why in (regions.failed | baselines.failed).items():
        say("conclude", f"{label} failed: {why}")
    if parent.failed:
        raise RunError(
            f"the parent has no replies to compare with: {next(iter(parent.failed.values()))}"
        )
    if not regions.done:
        raise RunError("no region came through: its reason stands above")
    code = compare(compare.compose(_remaining(words, regions, baselines)))
    return ExitCode.PARTIAL if regions.failed or baselines.failed else code


def _remaining(words: Sequence[str], regions: _Ends, baselines: _Ends) -> list[str]:
    """Return the words of ``compare`` for what is there, with the reasons for what is not."""
    gone = [f"{group}.{code}" for group in ("corpora", "models") for code in regions.failed]
    kept = [given for given in without(words, *gone) if not has([given], "regions")]
    if baselines.failed:
        kept = [*without(kept, "baselines"), f"baselines=[{','.join(baselines.done)}]"]
    base = f"{Path.cwd()}/"  # the page is to be passed on
    reasons = [
        word(f"+failed.{code}", why.replace(base, "")) for code, why in regions.failed.items()
    ]
    return [f"regions=[{','.join(regions.done)}]", *kept, *reasons]


def _regions(folder: Path) -> _Ends:
    """Return how far each region came: its first step that did not end well is the reason.

    Raises:
        UserError: the folder is not a chain's.
    """
    first = JobRecord.read(folder / PER_REGION[0])
    if first is None:
        raise UserError(f"{folder} holds no chain: lokal submit recipe=pipeline makes one")
    done, failed = [], {}
    for number, task in enumerate(first.tasks):
        reasons = (_reason(folder / step, number) for step in PER_REGION)
        why = next(filter(None, reasons), "")
        if why:
            failed[task.label] = why
        else:
            done.append(task.label)
    return _Ends(done, failed)


def _ends(folder: Path, step: str) -> _Ends:
    record = JobRecord.read(folder / step)
    if record is None:
        return _Ends([], {})
    reasons: Mapping[str, str] = {
        task.label: _reason(folder / step, number) for number, task in enumerate(record.tasks)
    }
    failed = {label: why for label, why in reasons.items() if why}
    return _Ends([label for label in reasons if label not in failed], failed)


def _reason(folder: Path, number: int) -> str:
    record = JobRecord.read(folder)
    if record is None:
        return f"{folder.name} was never submitted"
    why = why_not(record, number)
    return f"{record.step}: {why}" if why else ""


if __name__ == "__main__":
    sys.exit(main())
