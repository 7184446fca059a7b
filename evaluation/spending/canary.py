"""Questions that every baseline run asks besides, to notice a model that changed under its name."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from ...data.config_files import read_mapping
from ...data.errors import UserError
from ...data.manifest import Json
from ..reply import READ_STATES
from ..vendors.question import Answer, Question, question_key

CANARIES_NAME = "canaries.jsonl"
_FILE = Path(__file__).parent / "canaries.yaml"
_MAX_TOKENS = 128
_ALARM_P = 0.01
_ALARM_CHRF = 5.0
"""Points that the mean chrF to the earlier answers may lie below what these have to each other."""


class Canary(NamedTuple):
    """One question of our own."""

    id: str
    language: str
    text: str
    answer: str
    """What a right reply holds; empty: any reply, which is compared by chrF."""


@dataclass(kw_only=True, slots=True)
class CanaryRow:
    """One reply to a canary, a line of ``canaries.jsonl``."""

    id: str
    sample: int
    model: str
    """As the vendor returned it."""
    state: str
    reply: str


class Drift(NamedTuple):
    """How a run's canaries differ from an earlier run's."""

    alarms: list[str]
    p_value: float | None
    """McNemar's, of right and wrong answers; None where they share none."""
    chrf_drop: float | None
    """In points; None where they share no open question."""
    models: tuple[list[str], list[str]]
    """Returned names: earlier, now."""

    def facts(self) -> dict[str, Json]:
        """Return what the artifact keeps."""
        before, now = self.models
        return {
            "alarms": list[Json](self.alarms),
            "p_value": self.p_value,
            "chrf_drop": self.chrf_drop,
            "models_before": list[Json](before),
            "models": list[Json](now),
        }


def load_canaries(count: int) -> list[Canary]:
    """Return so many canaries, spread over the languages; all of them where there are fewer."""
    rows = read_mapping(_FILE)["canaries"]
    assert isinstance(rows, list)
    found = [
        Canary(*(str(row.get(name, "")) for name in Canary._fields))
        for row in rows
        if isinstance(row, dict)
    ]
    if count >= len(found):
        return found
    step = len(found) / count if count else 0
    return [found[int(number * step)] for number in range(count)]


def canary_questions(
    canaries: Sequence[Canary],
    *,
    samples: int,
    system: Mapping[str, Json],
    day: str,
    min_output_tokens: int = 0,
) -> dict[str, tuple[Canary, int, Question]]:
    """Return the questions by key, with canary and sample.

    Args:
        canaries: that are asked.
        samples: of each.
        system: facts of who is asked.
        day: of the run, so that each run asks anew.
        min_output_tokens: floor under the longest answer.
    """
    found: dict[str, tuple[Canary, int, Question]] = {}
    max_tokens = max(_MAX_TOKENS, min_output_tokens)
    for canary in canaries:
        messages = [{"role": "user", "content": canary.text}]
        for sample in range(samples):
            parameters: dict[str, Json] = {
                "canary": canary.id,
                "sample": sample,
                "day": day,
                "max_tokens": max_tokens,
            }
            key = question_key(system, messages, parameters)  # pyright: ignore[reportArgumentType]
            question = Question(key, messages, max_tokens, canary.language, sample=sample)  # pyright: ignore[reportArgumentType]
            found[key] = (canary, sample, question)
    return found


def canary_rows(
    asked: Mapping[str, tuple[Canary, int, Question]], answers: Mapping[str, Answer]
) -> list[CanaryRow]:
    """Return the rows of those that were answered."""
    return [
        CanaryRow(
            id=canary.id,
            sample=sample,
            model=answers[key].model,
            state=str(answers[key].state),
            reply=answers[key].text,
        )
        for key, (canary, sample, _) in asked.items()
        if key in answers
    ]


def rows_text(rows: Sequence[CanaryRow]) -> str:
    """Return the rows as JSON Lines."""
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def read_rows(folder: Path) -> list[CanaryRow]:
    """Return the canaries of an artifact; none where it has none.

    Raises:
        UserError: a line is no such row.
    """
    path = folder / CANARIES_NAME
    if not path.is_file():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [CanaryRow(**json.loads(line)) for line in lines if line]
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is no list of canaries: {error}") from error


def find_drift(before: Sequence[CanaryRow], now: Sequence[CanaryRow]) -> Drift:
    """Return whether the model seems to have changed between two runs."""
    from ..statistics.paired import mcnemar_exact  # scipy, which a run without an earlier spares

    known = {canary.id: canary for canary in load_canaries(10**6)}
    models = (sorted({row.model for row in before}), sorted({row.model for row in now}))
    alarms: list[str] = []
    if models[0] and models[1] and models[0] != models[1]:
        alarms.append(f"returned model: {', '.join(models[0])} before, {', '.join(models[1])} now")
    old, new = _by_id(before), _by_id(now)
    shared = [name for name in old if name in new and name in known]
    closed = [known[name] for name in shared if known[name].answer]
    p_value = None
    if closed:
        rights = [
            [_mostly_right(rows[canary.id], canary) for canary in closed] for rows in (old, new)
        ]
        p_value = mcnemar_exact(*rights).p_value
        if p_value < _ALARM_P:
            counts = " and ".join(f"{sum(right)} of {len(right)}" for right in rights)
            alarms.append(f"right answers: {counts} (McNemar p = {p_value:.4f})")
    opened = [name for name in shared if not known[name].answer]
    drop = _chrf_drop([old[name] for name in opened], [new[name] for name in opened])
    if drop is not None and drop > _ALARM_CHRF:
        alarms.append(f"chrF to the earlier answers is {drop:.1f} points down")
    return Drift(alarms, p_value, drop, models)


def _by_id(rows: Sequence[CanaryRow]) -> dict[str, list[str]]:
    """Return the replies to each canary; one that could not be read is empty."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row.reply if row.state in READ_STATES else "")
    return found


def _mostly_right(replies: Sequence[str], canary: Canary) -> bool:
    pattern = re.compile(rf"(?<![\w,.]){re.escape(canary.answer)}(?![\w]|[,.]\d)", re.IGNORECASE)
    return 2 * sum(pattern.search(reply) is not None for reply in replies) > len(replies)


def _chrf_drop(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> float | None:
    """Return how much less alike new and old replies are than the old ones among themselves."""
    from ..metrics.chrf import ChrF  # sacrebleu, likewise

    chrf = ChrF()
    own: list[float] = []
    across: list[float] = []
    for before, now in zip(old, new, strict=True):
        if len(before) > 1:
            pairs = [
                chrf.segment(reply, [other])
                for place, reply in enumerate(before)
                for at, other in enumerate(before)
                if at != place
            ]
            own.append(fmean(pairs))
            across.append(fmean(chrf.segment(reply, [other]) for reply in now for other in before))
    return 100 * (fmean(own) - fmean(across)) if own else None
