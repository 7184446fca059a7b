"""What becomes of rows that hold personal values."""

from dataclasses import dataclass
from enum import Enum


class PiiAction(Enum):
    """What is done where a rule finds something."""

    mask = "mask"
    """The value is replaced by its type, such as ``<PHONE>``."""
    drop = "drop"
    """The row is dropped, with the type as reason."""
    report = "report"
    """The row stays as it is; values are only counted."""


@dataclass(kw_only=True, slots=True)
class PiiConfig:
    """Which values count is said by ``pii`` in the region's file."""

    action: PiiAction = PiiAction.mask
