"""When a model ends: warned of early, and too late to begin a baseline with it."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ...data.config_files import read_config
from ...data.errors import UserError

_WARN_DAYS = 90
_REFUSE_DAYS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class RetirementRow:
    """One line of the table."""

    models: list[str]
    day: date
    read: date
    """Day on which the source was read."""
    source: str


class Retirement(NamedTuple):
    """The day of a model's end, and who says so."""

    day: date
    source: str


def find_retirement(model: str, *, table: str = "vendors", given: str = "") -> Retirement | None:
    """Return the earliest day that is known for a model; None where none is.

    Args:
        model: as it is asked for.
        table: a file of ``configs/retirement``.
        given: the day from the model's own settings, which alone counts; empty: none.

    Raises:
        UserError: the table is not as it should be.
    """
    if given:
        return Retirement(date.fromisoformat(given), "baseline.retires")
    found = [
        Retirement(row.day, row.source) for row in load_retirements(table) if model in row.models
    ]
    return min([*found, *_of_sdk(model)], default=None)


def check_retirement(
    model: str, retirement: Retirement | None, *, now: datetime, is_new: bool
) -> str:
    """Return the warning to say; empty where there is none.

    Args:
        model: as it is asked for.
        retirement: of the model.
        now: the time.
        is_new: whether the baseline begins now; one that has begun may be finished.

    Raises:
        UserError: a new baseline would begin too late.
    """
    if retirement is None:
        return ""
    days = (retirement.day - now.date()).days
    when = f"{retirement.day} ({retirement.source})"
    if days < _REFUSE_DAYS and is_new:
        ends = "ended" if days < 0 else f"ends in {days} days,"
        raise UserError(
            f"{model} {ends} on {when}: too late for a new baseline, which could not be repeated "
            "or finished: choose another model, or correct baseline.retires"
        )
    if days < _WARN_DAYS:
        return f"{model} ends in {days} days, on {when}: collect what you need, then freeze it"
    return ""


def load_retirements(table: str) -> list[RetirementRow]:
    """Return the rows of a file of ``configs/retirement``.

    Raises:
        UserError: a row lacks a key or has another.
    """
    rows = read_config("retirement", table).get("retirements")
    try:
        assert isinstance(rows, list)
        return [RetirementRow(**row) for row in rows]  # pyright: ignore[reportArgumentType, reportCallIssue]
    except (AssertionError, TypeError) as error:
        raise UserError(
            f"configs/retirement/{table}.yaml: every entry of retirements needs models, day, read "
            "and source"
        ) from error


def _of_sdk(model: str) -> list[Retirement]:
    """Return what Anthropic's SDK says, where it is installed: it has no public name for this."""
    if not model.startswith("claude"):
        return []  # the SDK takes a second to import
    try:
        from anthropic import _data
    except ImportError:
        return []
    text = getattr(_data, "DEPRECATED_MODELS", {}).get(model, "")
    try:
        day = datetime.strptime(re.sub(r"(\d)(st|nd|rd|th)", r"\1", text), "%B %d, %Y")  # noqa: DTZ007  a day has no zone
    except ValueError:
        return []
    return [Retirement(day.date(), "the SDK anthropic")]
