"""Scores that others have published: context beside a benchmark, never a system that is tested."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from ..data.config_files import read_config
from ..data.errors import UserError
from ..data.manifest import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedScore:
    """One figure of somebody's table."""

    suites: list[str]
    """Suites whose benchmark it is; theirs may be a part of the items."""
    language: str
    system: str
    version: str
    """As the source names it; empty where it does not."""
    metric: str
    """As our own reports call it: ``accuracy``, ``chrF++``."""
    percent: float
    items: int | None
    """That it rests on; None where the source does not say."""
    shots: int | None
    url: str
    note: str

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError(f"the score of {self.system} needs the https:// page that shows it")
        if not 0 <= self.percent <= 100:
            raise ValueError(f"the score of {self.system} must lie in [0, 100]: {self.percent}")


def load_published(name: str) -> list[PublishedScore]:
    """Return the scores of a table; none for the empty name.

    Raises:
        UserError: there is no such table, or a row has a wrong key, source or value.
    """
    if not name:
        return []
    content = read_config("published", name)
    sources, rows = content.get("sources"), content.get("scores")
    if not isinstance(sources, dict) or not isinstance(rows, list):
        raise UserError(f"configs/published/{name}.yaml needs sources and a list called scores")
    found: list[PublishedScore] = []
    for row in rows:
        try:
            assert isinstance(row, dict)
            source = sources[str(row.pop("from"))]
            found.append(PublishedScore(**row, **source))  # pyright: ignore[reportArgumentType, reportCallIssue]  checked where it is made
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            keys = ", ".join(item.name for item in fields(PublishedScore)[:-2])
            raise UserError(
                f"configs/published/{name}.yaml: a score needs {keys} and from, the name of a "
                f"source with url and note: {row} ({error})"
            ) from error
    return found


def published_beside(
    scores: Sequence[PublishedScore], compared: Sequence[tuple[str, str, str, int]]
) -> list[Json]:
    """Return the scores that belong to what is compared, each once.

    Args:
        scores: of a table.
        compared: suite, language, metric and number of items of each task.
    """
    rows: list[Json] = []
    for suite, language, metric, num_items in dict.fromkeys(compared):
        rows += [
            {**asdict(score), "suite": suite, "items_here": num_items}
            for score in scores
            if suite in score.suites and (score.language, score.metric) == (language, metric)
        ]
    return rows
