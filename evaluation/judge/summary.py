"""``summary.json``: judges with their fitness, and what the fit ones say; shares lie in [0, 1].

Top level: mode, suite, split, systems, languages, seed, confidence, and

- ``judges.<judge>``: label, vendors, is_local, identity, drift (of a golden set), unused, and
  ``languages.<code>``: the rates of fitness.py and the calibration (pairwise), or how much could
  be read (rubric);
- ``pairs.<code>.<left> - <right>``: outcomes of each judge, and win rates of the fit ones and of
  ``panel``, their mean; null and ``why`` where none is fit (pairwise);
- ``strengths.<code>``: of more than two systems, against the first (pairwise);
- ``replies.<code>.<system>``: values of the fit judges' mean (rubric).
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from ...data.manifest import Json
from ..statistics.interval import Interval, mean_interval
from ..statistics.judge_error import corrected_win_rate
from ..statistics.strengths import Game, fit_strengths
from .calibration import Calibration
from .fitness import Fitness, JudgeRates
from .pairwise import PairRow
from .rubric import RubricRow
from .win_rates import (
    Draws,
    clusters_of,
    count_outcomes,
    failures_by_system,
    interval_json,
    mean_rows,
    win_rates,
)

PANEL = "panel"
NO_FIT_JUDGE = "no judge of the panel is shown to be fit for this language"
Rows = Mapping[str, Sequence[PairRow]]
"""By judge: the same pairs in the same order."""


def describe_pair(
    rows: Rows,
    fit: Sequence[str],
    calibrations: Mapping[str, Calibration],
    draws: Draws,
    *,
    num_missing: int,
) -> dict[str, Json]:
    """Return what the judges say of two systems in one language.

    Args:
        rows: of all judges.
        fit: judges whose verdicts count.
        calibrations: by judge.
        draws: how intervals are made.
        num_missing: replies that one of the two lacks.
    """
    judges: dict[str, Json] = {}
    for name, own in rows.items():
        made: dict[str, Json] = {"outcomes": count_outcomes(own, num_missing=num_missing)}
        if name in fit:
            made |= _rates([own], calibrations[name], draws)
        judges[name] = made
    first = next(iter(rows.values()))
    failures = failures_by_system(first)
    return {
        "left": first[0].left if first else None,
        "right": first[0].right if first else None,
        "failures": {system: dict[str, Json](found) for system, found in failures.items()},
        "judges": judges,
        PANEL: _rates([rows[name] for name in fit], None, draws) if fit else None,
        "why": "" if fit else NO_FIT_JUDGE,
    }


def _rates(
    by_judge: Sequence[Sequence[PairRow]], calibration: Calibration | None, draws: Draws
) -> dict[str, Json]:
    scored = mean_rows(by_judge)
    found: dict[str, Json] = {"win_rates": win_rates(scored, draws)}
    if calibration is not None:
        judged = [(row, score) for row, score in scored if row.how != "checks"]
        corrected: Interval | None = None
        if judged and calibration.state.name == "calibrated":
            corrected = corrected_win_rate(
                [score for _, score in judged],
                calibration.decided,
                clusters=clusters_of(judged),
                **draws._asdict(),
            )
        found["corrected"] = interval_json(corrected)
    return found


def describe_strengths(
    by_pair: Sequence[Rows], fit: Sequence[str], systems: Sequence[str], draws: Draws
) -> Json:
    """Return Bradley-Terry strengths over all pairs of systems; null where nothing can be told."""
    if not fit:
        return {"why": NO_FIT_JUDGE}
    scored = [one for rows in by_pair for one in mean_rows([rows[name] for name in fit])]
    games = [
        Game(row.left, row.right, score, cluster)
        for (row, score), cluster in zip(scored, clusters_of(scored), strict=True)
    ]
    if len({game.cluster for game in games}) < 2:
        return {"why": "too few prompts"}
    made = fit_strengths(games, systems, **draws._asdict())
    return {
        "against": systems[0],
        "win_rates": {name: interval_json(rate) for name, rate in made.win_rates.items()},
        "tie_rate": made.tie_rate,
        "games": made.num_games,
        "prompts": made.num_prompts,
    }


def describe_judge_language(rates: JudgeRates, calibration: Calibration) -> dict[str, Json]:
    """Return how one judge did in one language."""
    return {**rates.to_json(), "calibration": calibration.to_json()}


def is_fit(rates: JudgeRates) -> bool:
    """Return whether its verdicts may be used."""
    return rates.fitness is Fitness.fit


def describe_replies(
    by_judge: Mapping[str, Sequence[RubricRow]], used: Sequence[str], draws: Draws
) -> dict[str, Json]:
    """Return one system's replies in one language as the judges see them."""
    first = next(iter(by_judge.values()))
    rows = [by_judge[name] for name in used]
    values: dict[str, list[float]] = {}
    for several in zip(*rows, strict=True):
        found = [row.value for row in several if row.value is not None]
        if found:
            values.setdefault(several[0].cluster, []).append(fmean(found))
    flat = [value for several in values.values() for value in several]
    names = [cluster for cluster, several in values.items() for _ in several]
    made = (
        mean_interval(flat, confidence=draws.confidence, clusters=names)
        if len(values) > 1
        else None
    )
    judged = [row for several in rows for row in several if row.criteria]
    return {
        "replies": len(first),
        "failed": sum(bool(row.failure) for row in first),
        "unreadable": {
            name: sum(row.how == "unreadable" for row in several)
            for name, several in by_judge.items()
        },
        "value": interval_json(made),
        "criteria": {
            name: fmean(row.criteria[name] for row in judged) for name in judged[0].criteria
        }
        if judged
        else {},
        "why": "" if used else NO_FIT_JUDGE,
    }
