"""What the whole panel says of each system's replies by themselves, language by language."""

from collections.abc import Sequence

from ...data.manifest import Json
from ...data.progress import say
from .asking import Judge
from .judged_rows import Judged
from .parts import JudgedPart
from .rubric import RubricRow, judge_replies
from .settings import JudgeConfig
from .summary import describe_replies
from .used import fit_in_pairs
from .win_rates import Draws

BySystem = dict[str, list[RubricRow]]


def panel_rubric(
    config: JudgeConfig, judges: Sequence[Judge], parts: Sequence[JudgedPart]
) -> Judged:
    """Return all rows and the summary's ``judged`` and ``replies``.

    One reply alone has no order to turn round: whether a judge is fit was seen in pairs.
    """
    made = Judged({judge.name: [] for judge in judges}, {})
    judged: dict[str, dict[str, Json]] = {judge.name: {} for judge in judges}
    replies: dict[str, Json] = {}
    for language in dict.fromkeys(part.language for part in parts):
        own = [part for part in parts if part.language == language]
        asked = {judge.name: _ask_all(config, judge, own) for judge in judges}
        used: list[str] = []
        for judge in judges:
            for rows in asked[judge.name].values():
                made.rows[judge.name].extend(rows)
            fitness = fit_in_pairs(config.run, judge.name, judge.identity, language)
            judged[judge.name][language] = fitness.to_json()
            say("judge", f"{judge.name}, {language}: {fitness.state}: {fitness.why}")
            if fitness.is_fit and not judge.unused:
                used.append(judge.name)
        draws = Draws(config.confidence, config.resamples, config.seed)
        replies[language] = {
            system: describe_replies(
                {name: by_system[system] for name, by_system in asked.items()}, used, draws
            )
            for system in own[0].candidates
        }
    made.summary.update({"judged": dict[str, Json](judged), "replies": replies})
    return made


def ask_replies(config: JudgeConfig, judge: Judge, part: JudgedPart) -> BySystem:
    """Return one judge's rows on a part by system."""
    return {
        system: judge_replies(
            judge,
            list(candidates.values()),
            suite=part.suite.name,
            seed=config.seed,
            max_tokens=config.max_tokens,
        )
        for system, candidates in part.candidates.items()
    }


def _ask_all(config: JudgeConfig, judge: Judge, parts: Sequence[JudgedPart]) -> BySystem:
    found: BySystem = {}
    for part in parts:
        for system, rows in ask_replies(config, judge, part).items():
            found.setdefault(system, []).extend(rows)
    return found
