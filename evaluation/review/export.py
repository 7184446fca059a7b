"""Votes for other tools: CSV, JSON Lines, Parquet, the judges' file and LLM Comparator's JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ...data.manifest import Json
from ..report.items.case import Case
from .tally import games
from .votes import Choice, Vote

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SCORES = {"first": 1.0, "second": -1.0, "": 0.0}


def to_csv(votes: Sequence[Vote]) -> str:
    """Return a table for a spreadsheet; a cell that it would run as a formula gets a quote."""
    stream = io.StringIO()
    rows = [_flat(vote) for vote in votes]
    names = list(rows[0]) if rows else ["slot"]
    writer = csv.DictWriter(stream, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def to_json_lines(votes: Sequence[Vote]) -> str:
    """Return the votes as the log has them."""
    return "".join(json.dumps(asdict(vote), ensure_ascii=False) + "\n" for vote in votes)


def to_parquet(votes: Sequence[Vote]) -> bytes:
    """Return the flat table as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_flat(vote) for vote in votes]), stream)
    return stream.getvalue()


def to_judge_votes(votes: Sequence[Vote]) -> str:
    """Return what ``lokal judge votes=FILE`` calibrates with: one line a pair of systems."""
    lines: list[str] = []
    for game in games(votes):
        kinds = {game.first: "a", game.second: "b"}
        said = kinds.get(game.winner, "both_bad" if game.vote.choice is Choice.bad else "tie")
        row = {
            "item": game.vote.item,
            "language": game.vote.region,
            "left": game.first,
            "right": game.second,
            "vote": said,
            "reviewer": game.vote.reviewer,
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def to_comparator(votes: Sequence[Vote], cases: Mapping[tuple[str, str, str], Case]) -> str:
    """Return the JSON that LLM Comparator opens, from the first two systems of each vote.

    Args:
        votes: with pairs of systems; the score is the mean over reviewers, from -1 to 1.
        cases: by region, suite and item.
    """
    found: dict[tuple[str, str, str, str, str], list[tuple[str, float]]] = {}
    for game in games(votes):
        vote = game.vote
        side = {game.first: "first", game.second: "second"}.get(game.winner, "")
        key = (vote.region, vote.suite, vote.item, game.first, game.second)
        found.setdefault(key, []).append((vote.reviewer, _SCORES[side]))
    pairs = {key[3:] for key in found}
    first, second = min(pairs) if pairs else ("", "")
    examples = [
        _example(cases[key[:3]], key, scores)
        for key, scores in found.items()
        if key[3:] == (first, second) and key[:3] in cases
    ]
    content: dict[str, Json] = {
        "metadata": {"source_path": "lokal review", "custom_fields_schema": []},
        "models": [{"name": first}, {"name": second}],
        "examples": list[Json](examples),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _example(
    case: Case, key: Sequence[str], scores: Sequence[tuple[str, float]]
) -> dict[str, Json]:
    return {
        "input_text": case.prompt,
        "tags": [case.region, case.suite, *([case.item.category] if case.item.category else [])],
        "output_text_a": case.said[key[3]].text,
        "output_text_b": case.said[key[4]].text,
        "score": sum(score for _, score in scores) / len(scores),
        "individual_rater_scores": [
            {
                "score": score,
                "rating_label": {1.0: "A is better", -1.0: "B is better"}.get(score, "same"),
                "is_flipped": False,
                "rationale": reviewer,
            }
            for reviewer, score in scores
        ],
        "custom_fields": {},
    }


def _flat(vote: Vote) -> dict[str, str | float]:
    return {
        "slot": vote.slot,
        "kind": str(vote.kind),
        "reviewer": vote.reviewer,
        "region": vote.region,
        "suite": vote.suite,
        "item": vote.item,
        "sides": " | ".join(vote.sides),
        "choice": str(vote.choice),
        "winner": vote.winner,
        "tags": " | ".join(vote.tags),
        "comment": vote.comment,
        "spans": json.dumps(vote.spans),
        "rubric": json.dumps(vote.rubric, ensure_ascii=False),
        "seconds": vote.seconds,
        "at": vote.at,
    }


def _safe(value: str | float) -> str | float:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
