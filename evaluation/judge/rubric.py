"""One system's replies, each against criteria and the item's own rubric: for tracking."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...data.manifest import Json
from .asking import Case, Judge, Said, ask_cases
from .criteria import item_rubric, rubric_schema
from .judged import Candidate
from .pairwise import BY_CHECKS, JUDGED, UNREADABLE
from .prompt import rubric_messages
from .verdict import RubricVerdict, read_rubric


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricRow:
    """One reply and what one judge said of it: a line of the judge's file."""

    id: str
    language: str
    suite: str
    category: str
    cluster: str
    sample: int
    system: str
    how: str
    """``judged``, ``checks`` (it failed them: worth nothing), ``unreadable``."""
    value: float | None
    """0 to 1; None where it is unreadable."""
    failure: str
    criteria: dict[str, float]
    points: list[bool]
    """Of the item's own rubric."""
    confidence: str
    reasons: str
    answer: str
    """What could not be read; empty else."""
    tries: int
    why: str

    def to_json(self) -> dict[str, Json]:
        """Return the row as it stands in a file."""
        return asdict(self)


def judge_replies(
    judge: Judge, candidates: Sequence[Candidate], *, suite: str, seed: int, max_tokens: int
) -> list[RubricRow]:
    """Return one row for each reply; those that failed the checks are not shown to the judge."""
    asked = [number for number, one in enumerate(candidates) if not one.failure]
    points = [len(item_rubric(candidates[number].item)) for number in asked]
    said = ask_cases(
        judge,
        [_case(candidates[number], seed) for number in asked],
        lambda place, text: read_rubric(text, num_points=points[place]),
        max_tokens=max_tokens,
    )
    found = dict(zip(asked, said, strict=True))
    return [_row(one, found.get(number), suite) for number, one in enumerate(candidates)]


def _case(candidate: Candidate, seed: int) -> Case:
    item = candidate.item
    return Case(
        messages=rubric_messages(item, candidate.text, seed=seed),
        schema=rubric_schema(num_points=len(item_rubric(item))),
        language=item.language,
        about=["rubric", item.id, candidate.sample],
    )


def _row(candidate: Candidate, said: Said[RubricVerdict] | None, suite: str) -> RubricRow:
    verdict = None if said is None else said.verdict
    how = BY_CHECKS if said is None else UNREADABLE if verdict is None else JUDGED
    value = verdict.value if verdict is not None else 0.0 if how == BY_CHECKS else None
    item = candidate.item
    return RubricRow(
        id=item.id,
        language=item.language,
        suite=suite,
        category=item.category,
        cluster=item.cluster,
        sample=candidate.sample,
        system=candidate.system,
        how=how,
        value=value,
        failure=candidate.failure,
        criteria={} if verdict is None else verdict.criteria,
        points=[] if verdict is None else verdict.points,
        confidence="" if verdict is None else verdict.confidence,
        reasons="" if verdict is None else verdict.reasons,
        answer=said.answer if said is not None and verdict is None else "",
        tries=0 if said is None else said.tries,
        why="" if said is None else said.why,
    )
