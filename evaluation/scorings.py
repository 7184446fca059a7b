"""How often checkpoints were scored on a split: each look at test makes the next less honest."""

import fcntl
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ..data.errors import UserError
from ..data.manifest import Json, read_manifest, write_text
from ..data.suite import expand_suite
from .generations import Part
from .settings import CompareConfig
from .system import System


@dataclass(kw_only=True, slots=True)
class Scoring:
    """One checkpoint that was scored on one split in one language."""

    key: str
    """Of the part: the same checkpoint, items and settings count once."""
    suite: str
    split: str
    language: str
    base_key: str
    """Hash of the parent checkpoint; with suite and split, the family."""
    system: str
    run: str
    at: str


def record_scorings(
    path: Path,
    system: System,
    parts: Sequence[Part],
    *,
    run: str,
    now: datetime,
) -> None:
    """Add the parts that are not in the list yet; processes that do so at once take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _add(path, system, parts, run=run, now=now)


def _add(
    path: Path,
    system: System,
    parts: Sequence[Part],
    *,
    run: str,
    now: datetime,
) -> None:
    old = read_scorings(path)
    known = {scoring.key for scoring in old}
    new = [
        Scoring(
            key=part.key,
            suite=part.suite.name,
            split=part.split,
            language=part.language,
            base_key=system.base_key,
            system=system.name,
            run=run,
            at=now.isoformat(timespec="seconds"),
        )
        for part in parts
        if part.key not in known
    ]
    if new:
        rows = [json.dumps(asdict(scoring), ensure_ascii=False) + "\n" for scoring in old + new]
        write_text(path, "".join(rows))


def times_scored(config: CompareConfig) -> dict[str, Json]:
    """Return by suite how often checkpoints of the compared family were scored, in all runs.

    The family is the suite, the split and the parent checkpoint.
    """
    parent = read_manifest(config.generations(config.parent))
    base_key = parent.config.get("base_key") if parent else None
    suites = [suite.name for suite, _ in expand_suite(config.suite)]
    found = Counter(
        scoring.suite
        for scoring in read_scorings(config.scorings_file)
        if (scoring.split, scoring.base_key) == (config.split, base_key)
    )
    return {name: found[name] for name in suites if found[name]}


def read_scorings(path: Path) -> list[Scoring]:
    """Return every scoring once, in the order of time.

    Raises:
        UserError: a line is broken.
    """
    if not path.is_file():
        return []
    found: dict[str, Scoring] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            scoring = Scoring(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}:{number} is no scoring: remove the line") from error
        found.setdefault(scoring.key, scoring)
    return list(found.values())
