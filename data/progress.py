"""What a person sees while work goes on: one line a step, a bar with ETA for long work."""

import os
import sys
from typing import NoReturn

from tqdm import tqdm

_SECONDS_BETWEEN_LINES_IN_A_LOG = 15.0


def say(step: str, message: str) -> None:
    """Print one line that says what a step reads, writes or found."""
    print(f"[{step}] {message}", file=sys.stderr, flush=True)


def progress_bar(
    *, total: int | None, label: str, unit: str, initial: int = 0, hidden: bool = False
) -> "tqdm[NoReturn]":
    """Return a bar with rate and, where the total is known, ETA; in a log it prints lines."""
    is_terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        unit=unit,
        dynamic_ncols=is_terminal,
        ncols=None if is_terminal else 100,
        mininterval=0.2 if is_terminal else _SECONDS_BETWEEN_LINES_IN_A_LOG,
        maxinterval=_SECONDS_BETWEEN_LINES_IN_A_LOG,
        file=sys.stderr,
        disable=hidden,
        position=int(os.environ.get("LOKAL_BAR_POSITION", "0")),
    )
