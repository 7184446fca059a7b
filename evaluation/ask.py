"""Asks a checkpoint all items of one part, batch by batch, and finishes the part."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import torch

from ..data.hardware import num_cores, pick_precision
from ..data.manifest import Json, sha256_of_json
from ..data.progress import progress_bar, say
from .checkpoint import load_checkpoint
from .generations import Generations, Part
from .journal import Journal
from .part_rows import PartRows
from .reply import LabelScores, Reply, to_lines
from .settings import AnswersConfig


def ask_checkpoint(
    generations: Generations, parts: Sequence[Part], *, answers: AnswersConfig
) -> None:
    """Load the system's checkpoint once and finish each part."""
    precision = pick_precision(answers.precision)
    threads = answers.threads or num_cores()
    torch.set_num_threads(threads)
    system = generations.system
    say("evaluate", f"reads {system.folder} in {precision.name}, {threads} threads")
    checkpoint = load_checkpoint(system, precision=precision)
    run: dict[str, Json] = {"precision": precision.name, "threads": threads}
    for part in parts:
        asking = PartRows(
            system_name=system.name, checkpoint=checkpoint, part=part, answers=answers
        )
        _finish_part(generations, part, asking, run)


def _finish_part(
    generations: Generations, part: Part, asking: PartRows, run: dict[str, Json]
) -> None:
    started_at, started = datetime.now(UTC), time.monotonic()
    say("evaluate", f"{part.name}: {len(part.items)} items, writes {generations.file(part)}")
    key = sha256_of_json({"part": part.key, **run})
    with Journal(generations.file(part, ".jsonl.partial"), key=key) as journal:
        num_resumed = len(journal.rows)
        with progress_bar(
            total=asking.num_rows,
            initial=num_resumed,
            label=f"{asking.system_name} {part.name}",
            unit="row",
        ) as bar:
            for name, row in asking.rows(done=journal.rows):
                journal.add(name, row)
                bar.update(1)
        replies = [Reply(**row["reply"]) for row in journal.rows.values() if "reply" in row]
        scores = [LabelScores(**row["scores"]) for row in journal.rows.values() if "scores" in row]
        generations.finish(
            part,
            files=_files(part, replies, scores),
            counts={
                "items": len(part.items),
                "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
                "prompt_tokens": asking.num_prompt_tokens,
                "reply_tokens": sum(reply.num_tokens or 0 for reply in replies),
                "resumed_rows": num_resumed,
                "seconds": round(time.monotonic() - started, 1),
                **run,
            },
            inputs=[*generations.system.inputs(), part.path],
            started_at=started_at,
            finished_at=datetime.now(UTC),
        )
        journal.remove()


def _files(part: Part, replies: Sequence[Reply], scores: Sequence[LabelScores]) -> dict[str, str]:
    """Return the part's files in the order of its items."""
    place = {item.id: number for number, item in enumerate(part.items)}
    files: dict[str, str] = {}
    if part.suite.is_generated:
        ordered = sorted(replies, key=lambda reply: (place[reply.id], reply.sample))
        files[".jsonl"] = to_lines(ordered)
    if scores:
        files[".loglikelihood.jsonl"] = to_lines(sorted(scores, key=lambda row: place[row.id]))
    return files
