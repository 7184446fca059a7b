"""When a model ends: warned of early, and too late to begin a baseline with it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ...data.config_files import read_config
from ...data.errors import UserError
from ..vendors.retirement import retirement
from ..vendors.settings import VendorConfig

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


def find_retirement(config: VendorConfig, *, table: str = "vendors") -> Retirement | None:
    """Return the earliest day that is known for a model; None where none is.

    Args:
        config: of the model; a day that it names itself counts alone.
        table: a file of ``configs/retirement``.

    Raises:
        UserError: the table is not as it should be.
    """
    told = retirement(config)
    if config.retires and told is not None:
        return Retirement(told, "baseline.retires")
    rows = load_retirements(table)
    found = [Retirement(row.day, row.source) for row in rows if config.model in row.models]
    return min([*found, *([Retirement(told, "the vendor's SDK")] if told else [])], default=None)


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
