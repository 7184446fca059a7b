"""Finishes the missing parts of a system, however its replies are had."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from ..data.progress import say
from ..data.suite import Suite, items_path, read_items
from .generations import Generations, Part
from .recorded import read_recording, recording_path
from .reply import to_lines
from .settings import AnswersConfig


def collect(
    generations: Generations,
    parts: Sequence[Part],
    *,
    suite: Suite,
    split: str,
    answers: AnswersConfig,
) -> None:
    """Ask the checkpoint or read the recording, part by part."""
    if generations.system.recording is None:
        from .ask import ask_checkpoint

        ask_checkpoint(generations, parts, suite=suite, split=split, answers=answers)
        return
    for part in parts:
        _read_part(generations, part, suite=suite, split=split)


def _read_part(generations: Generations, part: Part, *, suite: Suite, split: str) -> None:
    started_at, started = datetime.now(UTC), time.monotonic()
    recording = generations.system.recording
    assert recording is not None
    path = recording_path(recording, part.language)
    say("evaluate", f"reads {path}, writes {generations.file(part)}")
    items = read_items(suite, split=split, language=part.language)
    replies = read_recording(
        recording, items, suite=suite, split=split, system=generations.system.name
    )
    generations.finish(
        part,
        files={".jsonl": to_lines(replies)},
        counts={
            "items": len(replies),
            "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
            "seconds": round(time.monotonic() - started, 1),
        },
        inputs=[path, items_path(suite, split=split, language=part.language)],
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
