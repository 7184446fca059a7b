"""What the whole panel says of every two systems, language by language."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from ...data.manifest import Json
from ...data.progress import say
from .asking import Judge
from .calibration import Calibration, calibrate
from .fitness import JudgeRates, judge_rates
from .judged_rows import Judged
from .pairwise import PairRow, judge_pairs, pair_up
from .parts import JudgedPart
from .settings import JudgeConfig
from .summary import (
    Rows,
    describe_judge_language,
    describe_pair,
    describe_strengths,
    is_fit,
)
from .votes import HumanVote, read_votes
from .win_rates import Draws

Sides = tuple[str, str]
"""Left and right system."""
ByPair = dict[Sides, list[PairRow]]


def panel_pairwise(
    config: JudgeConfig, judges: Sequence[Judge], parts: Sequence[JudgedPart]
) -> Judged:
    """Return all rows and the summary's ``judged``, ``pairs`` and ``strengths``."""
    votes = read_votes(Path(config.votes)) if config.votes else []
    made = Judged({judge.name: [] for judge in judges}, {})
    judged: dict[str, dict[str, Json]] = {judge.name: {} for judge in judges}
    pairs: dict[str, Json] = {}
    strengths: dict[str, Json] = {}
    for language in dict.fromkeys(part.language for part in parts):
        own = [part for part in parts if part.language == language]
        asked = {judge.name: _ask_all(config, judge, own) for judge in judges}
        found = _Language(config, own, asked, votes)
        for name, by_pair in asked.items():
            made.rows[name].extend(row for rows in by_pair.values() for row in rows)
            judged[name][language] = found.describe_judge(name)
        fit = [judge.name for judge in judges if is_fit(found.rates[judge.name])]
        used = [judge.name for judge in judges if judge.name in fit and not judge.unused]
        pairs[language] = found.describe_pairs(used)
        if len(own[0].candidates) > 2:
            strengths[language] = found.describe_strengths(used)
    made.summary.update({"judged": dict[str, Json](judged), "pairs": pairs, "strengths": strengths})
    return made


def ask_pairs(config: JudgeConfig, judge: Judge, part: JudgedPart) -> ByPair:
    """Return one judge's rows on a part by pair of systems, the later system left."""
    return {
        (left, right): judge_pairs(
            judge,
            pair_up(part.candidates[left], part.candidates[right]),
            suite=part.suite.name,
            seed=config.seed,
            max_tokens=config.max_tokens,
        )
        for right, left in combinations(part.candidates, 2)
    }


def _ask_all(config: JudgeConfig, judge: Judge, parts: Sequence[JudgedPart]) -> ByPair:
    found: ByPair = {}
    for part in parts:
        for sides, rows in ask_pairs(config, judge, part).items():
            found.setdefault(sides, []).extend(rows)
    return found


class _Language:
    """The panel's rows in one language, and what they come to."""

    def __init__(
        self,
        config: JudgeConfig,
        parts: Sequence[JudgedPart],
        asked: Mapping[str, ByPair],
        votes: Sequence[HumanVote],
    ) -> None:
        self._config, self._parts, self._asked = config, parts, asked
        self.rates: dict[str, JudgeRates] = {}
        self.calibrations: dict[str, Calibration] = {}
        for name, by_pair in asked.items():
            rows = [row for several in by_pair.values() for row in several]
            self.rates[name] = judge_rates(rows, config.limits)
            self.calibrations[name] = calibrate(
                rows, votes, language=parts[0].language, confidence=config.confidence
            )
            made = self.rates[name]
            say("judge", f"{name}, {parts[0].language}: {made.fitness}: {made.why}")

    def describe_judge(self, name: str) -> dict[str, Json]:
        """Return one judge's rates and calibration."""
        return describe_judge_language(self.rates[name], self.calibrations[name])

    def describe_pairs(self, used: Sequence[str]) -> dict[str, Json]:
        """Return every pair of systems."""
        return {
            f"{left} - {right}": describe_pair(
                rows,
                used,
                self.calibrations,
                _draws(self._config),
                num_missing=sum(_num_missing(part, left, right) for part in self._parts),
            )
            for (left, right), rows in self._by_pair().items()
        }

    def describe_strengths(self, used: Sequence[str]) -> Json:
        """Return Bradley-Terry strengths of all systems."""
        systems = list(self._parts[0].candidates)
        by_pair = list(self._by_pair().values())
        return describe_strengths(by_pair, used, systems, _draws(self._config))

    def _by_pair(self) -> dict[Sides, Rows]:
        first = next(iter(self._asked.values()))
        return {
            sides: {name: by_pair[sides] for name, by_pair in self._asked.items()}
            for sides in first
        }


def _draws(config: JudgeConfig) -> Draws:
    return Draws(config.confidence, config.resamples, config.seed)


def _num_missing(part: JudgedPart, left: str, right: str) -> int:
    """Return how many pairs lack a reply, of those that the samples allow."""
    both = set(part.candidates[left]) & set(part.candidates[right])
    return part.num_samples * len(part.items) - len(both)
