"""Asks a checkpoint all items of some parts, alone or beside other processes, and finishes them."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch

from ..data.hardware import num_cores, pick_precision
from ..data.manifest import Json, sha256_of_json
from ..data.progress import progress_bar, say
from .checkpoint import Checkpoint, load_checkpoint
from .finish import finish_part
from .generations import Generations, Part
from .journal import JOURNAL_ENDING, Journal, read_journals
from .part_rows import PartRows
from .settings import AnswersConfig
from .shard import this_shard

_ITEMS_OF_A_CHUNK = 64


class _Chunk(NamedTuple):
    """Some items of a part, which one process asks: with any number of processes the same ones."""

    part: Part
    number: int
    items: Part
    """The part with these items alone."""


def ask_checkpoint(
    generations: Generations, parts: Sequence[Part], *, answers: AnswersConfig
) -> None:
    """Load the system's checkpoint once, and ask this process' share of the items.

    Whoever is the last one to end finishes a part.
    """
    shard, precision = this_shard(), pick_precision(answers.precision)
    threads = answers.threads or max(1, num_cores() // shard.processes)
    torch.set_num_threads(threads)
    system = generations.system
    say("evaluate", f"reads {system.folder} in {precision.name}, {threads} threads")
    checkpoint = load_checkpoint(system, precision=precision, local_rank=shard.local_rank)
    run: dict[str, Json] = {"precision": precision.name, "threads": threads}
    chunks = [chunk for part in parts for chunk in _chunks(part)]
    for part in parts:
        mine = [chunk for chunk in chunks[shard.rank :: shard.processes] if chunk.part is part]
        if mine:
            _ask(generations, part, mine, checkpoint, answers, rank=shard.rank, run=run)
            _finish(generations, part, checkpoint, answers, run)


def _chunks(part: Part) -> Iterator[_Chunk]:
    """Yield the part's items in chunks; those whose prompts begin alike are neighbours."""
    order = sorted(part.items, key=lambda item: [turn["content"] for turn in item.messages])
    for start in range(0, len(order), _ITEMS_OF_A_CHUNK):
        items = part._replace(items=order[start : start + _ITEMS_OF_A_CHUNK])
        yield _Chunk(part, start // _ITEMS_OF_A_CHUNK, items)


def _ask(
    generations: Generations,
    part: Part,
    chunks: Sequence[_Chunk],
    checkpoint: Checkpoint,
    answers: AnswersConfig,
    *,
    rank: int,
    run: dict[str, Json],
) -> None:
    """Write the rows of some chunks into this process' journal."""
    name, key = generations.system.name, _journal_key(part, run)
    askers = [
        PartRows(system_name=name, checkpoint=checkpoint, part=chunk.items, answers=answers)
        for chunk in chunks
    ]
    say("evaluate", f"{part.name}: {len(part.items)} items, writes {generations.file(part)}")
    known = read_journals(generations.folder, f"{part.name}{JOURNAL_ENDING}*", key=key)
    with (
        Journal(generations.file(part, f"{JOURNAL_ENDING}{rank or ''}"), key=key) as journal,
        progress_bar(
            total=sum(asker.num_rows for asker in askers),
            label=f"{name} {part.name}",
            unit="row",
            hidden=rank > 0,
        ) as bar,
    ):
        for chunk, asker in zip(chunks, askers, strict=True):
            started, done = time.monotonic(), dict(known)
            bar.update(sum(name in done for name in asker.row_names))
            for row_name, row in asker.rows(done=done):
                done[row_name] = row
                journal.add(row_name, row)
                bar.update(1)
            if (ended := f"#chunk-{chunk.number}") not in known:
                seconds = round(time.monotonic() - started, 3)
                journal.add(ended, {"ended": {"seconds": seconds}})


def _finish(
    generations: Generations,
    part: Part,
    checkpoint: Checkpoint,
    answers: AnswersConfig,
    run: dict[str, Json],
) -> None:
    """Write the part whole if every process has ended its chunks; one process at a time."""
    key = _journal_key(part, run)
    with _alone(generations):
        rows = read_journals(generations.folder, f"{part.name}{JOURNAL_ENDING}*", key=key)
        if any(f"#chunk-{chunk.number}" not in rows for chunk in _chunks(part)):
            return  # another process is still at it, or has finished the part already
        asker = PartRows(system_name="", checkpoint=checkpoint, part=part, answers=answers)
        replies = [row["reply"] for row in rows.values() if "reply" in row]
        seconds = sum(row["ended"]["seconds"] for row in rows.values() if "ended" in row)
        finish_part(
            generations.reload(),
            part,
            rows=rows,
            counts={
                "prompt_tokens": asker.num_prompt_tokens,
                "reply_tokens": sum(reply["num_tokens"] or 0 for reply in replies),
                "seconds": round(seconds, 1),
                **run,
            },
        )


def _journal_key(part: Part, run: dict[str, Json]) -> str:
    return sha256_of_json({"part": part.key, "precision": run["precision"]})


@contextmanager
def _alone(generations: Generations) -> Iterator[None]:
    with (generations.folder / ".finish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
