"""Which model where: ours or another one, for each use of a region, with what both take."""

from collections.abc import Sequence

from ...data.manifest import Json
from ..settings import StatisticsConfig
from .difference import BETTER, NO_DIFFERENCE, TOO_FEW, WORSE, Difference
from .expense import Expenses
from .headline import agreed_headline
from .task import Protocol

USES = ("chat", "shopping", "small_business", "translation", "knowledge")
NOT_COMPARED = "not compared"
_CHOICES = {BETTER: "ours", WORSE: "baseline", NO_DIFFERENCE: NO_DIFFERENCE, TOO_FEW: TOO_FEW}


def decide_uses(
    differences: Sequence[Difference],
    others: Sequence[str],
    expenses: Expenses,
    statistics: StatisticsConfig,
) -> list[Json]:
    """Return one row for each use and other system; only generated answers count.

    Ours or the baseline is chosen only if every view of the items agrees.
    """
    written = [one for one in differences if one.task.protocol is Protocol.generate]
    return [_row(use, other, written, expenses, statistics) for use in USES for other in others]


def _row(
    use: str,
    other: str,
    differences: Sequence[Difference],
    expenses: Expenses,
    statistics: StatisticsConfig,
) -> dict[str, Json]:
    chosen = [one for one in differences if (one.other, one.task.suite.use) == (other, use)]
    parts = list(dict.fromkeys(one.task.part for one in chosen))
    row: dict[str, Json] = {
        "use": use,
        "other": other,
        "judged": list[Json](dict.fromkeys(one.task.judged for one in chosen if one.task.judged)),
        "expense": {"child": expenses.of("child", parts), "other": expenses.of(other, parts)},
    }
    made = agreed_headline(chosen, statistics)
    if made is None:
        return {**row, "choice": TOO_FEW if chosen else NOT_COMPARED}
    return {**row, "choice": _CHOICES[made.word], **made.to_json()}
