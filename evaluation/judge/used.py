"""What a run's judges may be used for: which are fit, and the values of those that are."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from ...data.errors import UserError
from ...data.manifest import Json, require_whole, sha256_of_json
from ..items import read_lines
from .calibration import State
from .fitness import Fitness
from .settings import JudgeMode

_PAIRWISE = JudgeMode.pairwise.name
NOT_TESTED = "not tested"


class PairFitness(NamedTuple):
    """What the pairwise runs of a judge say of it in one language."""

    state: str
    """Of Fitness, or ``not tested``."""
    why: str
    calibration: str
    """In words; empty where it was not tested."""

    @property
    def is_fit(self) -> bool:
        """Return whether its values may be used."""
        return self.state == str(Fitness.fit)

    def to_json(self) -> dict[str, Json]:
        """Return it as it stands in ``summary.json``."""
        return {"fitness": self.state, "why": self.why, "calibration": self.calibration}


class JudgedValues(NamedTuple):
    """Values of one suite in one language, and who gave them."""

    values: dict[tuple[str, str], float]
    """By system and item: the mean over fit judges, and over samples."""
    words: str
    """``judged by NAME, not calibrated (0 of 200)``."""
    is_calibrated: bool
    """Of every judge."""


def judge_summaries(run: Path) -> list[dict[str, Json]]:
    """Return what ``lokal judge`` has written in a run, folder by folder.

    Raises:
        UserError: a folder is unfinished or damaged.
    """
    folders = [path.parent for path in sorted((run / "judge").glob("*/summary.json"))]
    for folder in folders:
        require_whole(folder)
    return [_read(folder / "summary.json") for folder in folders]


def fit_in_pairs(run: Path, judge: str, identity: Mapping[str, Json], language: str) -> PairFitness:
    """Return whether the run's pairwise judgements have shown this very judge to be fit.

    Of several suites, one in which it is unfit decides.
    """
    found: list[PairFitness] = []
    for path in sorted((run / "judge").glob(f"{_PAIRWISE}-*/summary.json")):
        known = _read(path)["judges"].get(judge)
        if known is None or known["unused"] or not _is_same(known["identity"], identity):
            continue
        if one := known["languages"].get(language):
            found.append(PairFitness(one["fitness"], one["why"], one["calibration"]["words"]))
    unfit = [one for one in found if one.state == str(Fitness.unfit)]
    fit = [one for one in found if one.is_fit]
    for several in (unfit, fit, found):
        if several:
            return several[0]
    return PairFitness(NOT_TESTED, "run mode=pairwise with it first", "")


def judged_values(run: Path, suite: str, language: str) -> JudgedValues | None:
    """Return what the fit judges of a run say of a suite's replies; None where none has.

    Raises:
        UserError: a folder is unfinished or damaged.
    """
    by_judge: dict[str, dict[tuple[str, str], float]] = {}
    calibrations: dict[str, str] = {}
    for folder in sorted((run / "judge").glob(f"{JudgeMode.rubric.name}-*")):
        require_whole(folder)
        for name, judge in _read(folder / "summary.json")["judges"].items():
            fitness = fit_in_pairs(run, name, judge["identity"], language)
            values = _values(folder / f"{name}.jsonl", suite, language)
            if fitness.is_fit and not judge["unused"] and values:
                by_judge.setdefault(name, {}).update(values)
                calibrations[name] = fitness.calibration
    if not by_judge:
        return None
    several: dict[tuple[str, str], list[float]] = {}
    for values in by_judge.values():
        for key, value in values.items():
            several.setdefault(key, []).append(value)
    return JudgedValues(
        {key: fmean(values) for key, values in several.items()},
        "judged by " + "; ".join(f"{name}, {words}" for name, words in calibrations.items()),
        all(words.startswith(State.calibrated) for words in calibrations.values()),
    )


def _is_same(known: Mapping[str, Json], identity: Mapping[str, Json]) -> bool:
    return sha256_of_json(dict(known)) == sha256_of_json(dict(identity))


def _values(path: Path, suite: str, language: str) -> dict[tuple[str, str], float]:
    """Return by system and item the mean over the samples that could be read."""
    found: dict[tuple[str, str], list[float]] = {}
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            if (row["suite"], row["language"]) == (suite, language) and row["value"] is not None:
                found.setdefault((row["system"], row["id"]), []).append(float(row["value"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}:{number} is no judgement: run lokal judge again") from error
    return {key: fmean(values) for key, values in found.items()}


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
