"""What one run of the panel comes to: every judge's rows, and what is said of them."""

from typing import NamedTuple

from ...data.manifest import Json
from .pairwise import PairRow
from .rubric import RubricRow


class Judged(NamedTuple):
    """Rows of all judges and the summary."""

    rows: dict[str, list[PairRow | RubricRow]]
    """By judge, in the order in which they were asked."""
    summary: dict[str, Json]
