"""A hundred frozen pairs that every run judges anew: a judge that has changed under its old name.

One JSON object a line: ``id``, ``language``, ``prompt``, ``left``, ``right``, ``winner`` (``left``,
``right`` or ``tie``, as people or an earlier run of this judge decided), and if there is one a
``rubric``. The agreement of the first run is kept beside the runs; a later one that lies more than
five points below it ends the run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ...data.errors import ExitCode, RunError, UserError
from ...data.manifest import Json, sha256_of_file, sha256_of_json, write_json
from ...data.message import Message
from ...data.region import load_region
from ..checks.expectation import Expectation
from ..item import Item
from ..items import read_lines
from ..reply import Reply, State
from .asking import Judge
from .judged import as_candidate
from .pairwise import LEFT, RIGHT, TIE, Pair, judge_pairs
from .prompt import protocol_text

NUM_PAIRS = 100
MAX_DROP = 0.05
_SUITE = "golden"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenPair:
    """Two replies whose better one is settled."""

    id: str
    language: str
    prompt: str
    left: str
    right: str
    winner: str
    rubric: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        load_region(self.language)
        if self.winner not in (LEFT, RIGHT, TIE):
            raise ValueError(f"winner must be left, right or tie, got {self.winner!r}")

    def pair(self) -> Pair:
        """Return it as a judge is asked; the checks have no say in a settled pair."""
        expect = Expectation(
            language=self.language, script=load_region(self.language).scripts[0], code_mix=True
        )
        item = Item(
            id=self.id,
            language=self.language,
            messages=[Message(role="user", content=self.prompt)],
            cluster=self.id,
            expect=expect,
            row={"rubric": list[Json](self.rubric)} if self.rubric else {},
        )
        sides = (
            replace(as_candidate(item, self._reply(text), system=side), failure="")
            for side, text in ((LEFT, self.left), (RIGHT, self.right))
        )
        return Pair(*sides)

    def _reply(self, text: str) -> Reply:
        return Reply(
            id=self.id,
            language=self.language,
            suite=_SUITE,
            split="test",
            system=_SUITE,
            prompt_sha256=None,
            reply=text,
            state=State.ok,
        )


class Drift(NamedTuple):
    """Agreement with the golden set, now and at first."""

    agreement: float
    first: float
    num_pairs: int
    first_at: str

    @property
    def is_too_large(self) -> bool:
        """Return whether the judge is not the one that it was."""
        return self.agreement < self.first - MAX_DROP - 1e-9


def read_golden(path: Path) -> list[GoldenPair]:
    """Return the golden pairs.

    Raises:
        UserError: the file is missing, a line is no pair, or there are not a hundred.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: correct golden=..., or leave it null")
    found: dict[str, GoldenPair] = {}
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            pair = GoldenPair(**{**row, "rubric": tuple(row.get("rubric") or ())})
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{path}:{number} is no golden pair: {error}") from error
        found[pair.id] = pair
    if len(found) != NUM_PAIRS:
        raise UserError(
            f"{path} holds {len(found)} pairs with ids of their own: a golden set has {NUM_PAIRS}"
        )
    return list(found.values())


def measure_drift(
    judge: Judge,
    golden: Sequence[GoldenPair],
    *,
    source: Path,
    memory: Path,
    seed: int,
    max_tokens: int,
    run: str,
    now: datetime,
) -> Drift:
    """Return how well the judge agrees now, and keep the first agreement of this judge and set.

    Args:
        source: the set's file; another content, or another protocol, begins anew.
        memory: folder of first agreements, shared by all runs below a root.
        run: an answer of another run is not taken: the judge is asked anew.

    Raises:
        RunError: the agreement has dropped by more than five points.
    """
    rows = judge_pairs(
        judge,
        [one.pair() for one in golden],
        suite=_SUITE,
        seed=seed,
        max_tokens=max_tokens,
        run=run,
    )
    settled = [one.winner for one in golden]
    agreement = sum(row.outcome == winner for row, winner in zip(rows, settled, strict=True))
    measured_by = sha256_of_json([sha256_of_file(source), protocol_text()])
    path = memory / f"{judge.name}-{measured_by[:12]}.json"
    drift = _beside_first(agreement / len(golden), len(golden), path, now)
    if drift.is_too_large:
        raise RunError(
            f"judge {judge.name} has changed: it agrees with {drift.agreement:.0%} of the golden "
            f"pairs, {drift.first:.0%} on {drift.first_at[:10]}: its verdicts are not comparable "
            f"with earlier ones; take another judge, or move {path} away to begin anew",
            code=ExitCode.GATE_FAILED,
        )
    return drift


def _beside_first(agreement: float, num_pairs: int, path: Path, now: datetime) -> Drift:
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        return Drift(agreement, float(known["agreement"]), num_pairs, str(known["at"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"agreement": agreement, "pairs": num_pairs, "at": now.isoformat()})
    return Drift(agreement, agreement, num_pairs, now.isoformat())
