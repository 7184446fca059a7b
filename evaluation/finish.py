"""Turns the journals of a part into its finished files, whatever system was asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..data.manifest import Json
from .generations import Generations, Part
from .journal import JOURNAL_ENDING
from .reply import LabelScores, Reply, to_lines


def finish_part(
    generations: Generations,
    part: Part,
    *,
    rows: Mapping[str, dict[str, dict]],
    counts: Mapping[str, Json],
) -> None:
    """Write the part whole and remove its journals.

    Args:
        generations: the folder as it is now.
        part: every item of which has its rows.
        rows: of all journals; those without a reply or scores are left out.
        counts: what is known beside the number of items and how their replies ended.
    """
    replies = [Reply(**row["reply"]) for row in rows.values() if "reply" in row]
    scores = [LabelScores(**row["scores"]) for row in rows.values() if "scores" in row]
    now = datetime.now(UTC)
    generations.finish(
        part,
        files=_files(part, replies, scores),
        counts={
            "items": len(part.items),
            "states": dict(sorted(Counter(str(reply.state) for reply in replies).items())),
            **counts,
        },
        inputs=[*generations.system.inputs(), part.path],
        started_at=now,
        finished_at=now,
    )
    for path in generations.folder.glob(f"{part.name}{JOURNAL_ENDING}*"):
        path.unlink()


def _files(part: Part, replies: Sequence[Reply], scores: Sequence[LabelScores]) -> dict[str, str]:
    """Return the part's files in the order of its items."""
    place = {item.id: number for number, item in enumerate(part.items)}
    files: dict[str, str] = {}
    if part.suite.is_generated:
        ordered = sorted(replies, key=lambda reply: (place[reply.id], reply.sample))
        files[".jsonl"] = to_lines(ordered)
    if scores:
        files[".loglikelihood.jsonl"] = to_lines(sorted(scores, key=lambda row: place[row.id]))
    return files
