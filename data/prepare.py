"""Makes one region's corpus in a folder of its own, and moves it to its place whole."""

import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, cast

from .card import corpus_card
from .config import as_json
from .decontamination.deny_list import DenyList, build_deny_list
from .decontamination.held_items import read_all_held_items, skipped_suites
from .engine import run_stages
from .errors import RunError, UserError
from .funnel import Funnel, most_dropped
from .manifest import Json, sync_folder, write_json, write_manifest, write_text
from .plan import CorpusPlan, tokenizer_file
from .report.fertility import load_tokenizer
from .report.page import corpus_page
from .row_file import count_rows, read_row_file
from .stages import DENY_LIST, list_stages


class StepTime(NamedTuple):
    """How long a step worked, over all tasks."""

    step: str
    seconds: float


class Made(NamedTuple):
    """What ``make_corpus`` made."""

    counts: dict[str, Json]
    times: list[StepTime]
    """Slowest step first; of this run and of the killed ones that it continues."""

    @property
    def num_chars(self) -> int:
        """Characters of all rows that were read."""
        return cast("int", self.counts["chars_read"])


def make_corpus(plan: CorpusPlan) -> Made:
    """Make the corpus, and return its counts and where the time went.

    A run that was killed goes on behind the last finished task.

    Raises:
        UserError: a broken source, or one without a row that passes.
        RunError: a SLURM job ended without its work done, a worker was killed, or another run
            makes this very corpus.
    """
    work = plan.folder.with_name(f".{plan.folder.name}.tmp")
    work.mkdir(parents=True, exist_ok=True)
    with _alone_in(work):
        return _make_in(work, plan)


def _make_in(work: Path, plan: CorpusPlan) -> Made:
    started_at = datetime.now(UTC)
    if plan.config.tokenizer:
        load_tokenizer(tokenizer_file(plan.config.tokenizer))  # a wrong one is told at once
    _empty_after_another_plan(work, plan)
    if not (work / DENY_LIST).is_dir():
        build_deny_list(read_all_held_items(plan.config.decontaminate), work / DENY_LIST)
    run_stages(
        list_stages(plan, work),
        work=work,
        engine=plan.config.engine,
        num_workers=plan.num_workers,
        label=plan.region.code,
    )
    corpus, counts = work / "corpus", _counts(plan, work)
    write_json(corpus / "funnel.json", {"region": plan.region.code, **counts})
    write_text(corpus / "card.md", corpus_card(plan, counts))
    write_text(corpus / "report.html", corpus_page(plan, counts, corpus=corpus))
    write_manifest(
        corpus,
        recipe="prepare",
        key=plan.key,
        config=as_json(plan.config),
        inputs=plan.inputs,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        counts=counts,
        licences=[part.source.licence for part in plan.parts if part.problem is None],
        seeds={"heldout": plan.config.seed},
    )
    times = _times(work / "logs")
    _move_in_place(plan, work)
    return Made(counts, times)


@contextmanager
def _alone_in(work: Path) -> Iterator[None]:
    """Keep a second run out of the folder; the lock ends with this process, however it ends."""
    folder = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(folder)
        raise RunError(
            f"another lokal prepare works in {work}: wait for it, or choose another name=..."
        ) from error
    except OSError:
        pass  # some cluster file systems have no locks
    try:
        yield
    finally:
        os.close(folder)


def _empty_after_another_plan(work: Path, plan: CorpusPlan) -> None:
    """Remove what a run with other settings or inputs left in the work folder."""
    key = work / "key"
    if not key.is_file() or key.read_text(encoding="ascii") != plan.key:
        for left in work.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        write_text(key, plan.key)


def _counts(plan: CorpusPlan, work: Path) -> dict[str, Json]:
    """Return the funnel of all parts, after the check that no row was lost between stages."""
    files = sorted((work / "counts").glob("*.json"))
    funnel = Funnel.sum(json.loads(file.read_text(encoding="utf-8")) for file in files)
    counts = funnel.counts()
    facts = DenyList.open(work / DENY_LIST).facts
    cast("dict[str, Json]", counts["decontaminated"]).update(
        items_protected=cast("Json", facts.items),
        items_too_short_or_common=cast("Json", facts.unprotected),
        suites_skipped=cast("Json", skipped_suites(plan.config.decontaminate)),
    )
    num_rows = count_rows(work / "read")
    if counts["rows_read"] != num_rows:
        raise RunError(
            f"{num_rows} rows were read but {counts['rows_read']} written: this is a fault of "
            f"lokal; remove {work} and run again, and report it if it stays"
        )
    if counts["train_rows"] == 0:
        raise UserError(
            f"corpus {plan.corpus.name} has no row left for {plan.region.code}: of "
            f"{counts['rows_read']} rows most were dropped by {most_dropped(counts)}"
            f"{_first_dropped(work / 'corpus')}"
        )
    return counts


def _first_dropped(corpus: Path) -> str:
    """Return what was found in the first dropped row, to stand behind a message."""
    rows = (row for file in sorted(corpus.glob("dropped-*.parquet")) for row in read_row_file(file))
    detail = next((row["detail"] for row in rows if row["detail"]), None)
    return f"; the first: {detail}" if detail else ""


def _times(logs: Path) -> list[StepTime]:
    """Add up what datatrove's statistics say of each step."""
    seconds: Counter[str] = Counter()
    for file in logs.glob("*/stats/*.json"):
        for step in json.loads(file.read_text(encoding="utf-8")):
            microseconds = step["stats"].get("microseconds", 0)
            total = microseconds["total"] if isinstance(microseconds, dict) else microseconds
            seconds[step["name"].rpartition(": ")[2].rpartition(" - ")[2]] += total / 1e6
    return [StepTime(step, number) for step, number in seconds.most_common()]


def _move_in_place(plan: CorpusPlan, work: Path) -> None:
    """Keep datatrove's logs in the run's folder, then replace what is there by the corpus."""
    logs = plan.run_folder / "logs" / f"prepare-{plan.region.code}"
    shutil.rmtree(logs, ignore_errors=True)
    logs.parent.mkdir(parents=True, exist_ok=True)
    (work / "logs").rename(logs)
    shutil.rmtree(plan.folder, ignore_errors=True)
    (work / "corpus").rename(plan.folder)
    sync_folder(plan.folder.parent)
    shutil.rmtree(work)
