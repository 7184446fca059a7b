"""Finishes the missing parts of a system, however its replies are had."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..data.progress import say
from .frozen import take_frozen
from .generations import Generations, Part
from .recorded import read_recording, recording_path
from .reply import to_lines
from .settings import AnswersConfig
from .system import Kind


def collect(
    generations: Generations,
    parts: Sequence[Part],
    *,
    answers: AnswersConfig,
    items_root: Path | None = None,
) -> None:
    """Ask the checkpoint or the server, or read the recording or the frozen replies."""
    system = generations.system
    if system.frozen is not None:
        take_frozen(generations, parts)
    elif system.kind is Kind.recorded:
        for part in parts:
            _read_part(generations, part, items_root=items_root)
    elif system.kind is Kind.server:
        from .server.ask import ask_server

        ask_server(generations, parts, answers=answers)
    else:
        from .ask import ask_checkpoint

        ask_checkpoint(generations, parts, answers=answers)


def _read_part(generations: Generations, part: Part, *, items_root: Path | None) -> None:
    started_at, started = datetime.now(UTC), time.monotonic()
    recording = generations.system.recording
    assert recording is not None
    path = recording_path(recording, part.language, items_root=items_root)
    say("evaluate", f"reads {path}, writes {generations.file(part)}")
    replies = read_recording(recording, part, path=path, system=generations.system.name)
    generations.finish(
        part,
        files={".jsonl": to_lines(replies)},
        counts={
            "items": len(replies),
            "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
            "seconds": round(time.monotonic() - started, 1),
        },
        inputs=[path, part.path],
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
