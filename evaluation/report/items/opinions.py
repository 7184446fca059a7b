"""What judges said of an item, in the order of their folders, for the item's place on a page."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ....data.errors import UserError
from ....data.manifest import require_whole
from ...items import read_lines

Opinions = Mapping[tuple[str, str, str], "list[Opinion]"]
"""By suite, region and item."""


class Opinion(NamedTuple):
    """One judge on one reply, or on one pair of replies."""

    judge: str
    about: str
    """``child-id beside parent``, or one system."""
    verdict: str
    reasons: list[tuple[str, str]]
    """For a pair one for each order: who stood first and was chosen, and why."""


def read_opinions(run: Path) -> Opinions:
    """Return all that the run's judges said.

    Raises:
        UserError: a folder of judgements is unfinished, or a line in it is none.
    """
    found: dict[tuple[str, str, str], list[Opinion]] = {}
    for folder in sorted(path.parent for path in (run / "judge").glob("*/summary.json")):
        require_whole(folder)
        for path in sorted(folder.glob("*.jsonl")):
            for key, opinion in _of_file(path):
                found.setdefault(key, []).append(opinion)
    return found


def _of_file(path: Path) -> Iterator[tuple[tuple[str, str, str], Opinion]]:
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            key = (row["suite"], row["language"], row["id"])
            opinion = _of_pair(path.stem, row) if "outcome" in row else _of_reply(path.stem, row)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}:{number} is no judgement: run lokal judge again") from error
        yield key, opinion


def _of_pair(judge: str, row: Mapping) -> Opinion:
    sides = {"left": row["left"], "right": row["right"]}
    chosen = sides.get(row["outcome"], row["outcome"] or "not readable")
    how = {"judged": "", "checks": ", by the checks", "identical": ", the replies are equal"}
    reasons: list[tuple[str, str]] = []
    for first, order in zip(("left", "right"), row["orders"], strict=False):
        winner = sides.get(order["winner"], order["winner"] or "not readable")
        reasons.append((f"{sides[first]} first: {winner}", str(order["reasons"] or order["why"])))
    verdict = f"{chosen}{how.get(row['how'], '')}"
    return Opinion(judge, f"{row['left']} beside {row['right']}", verdict, reasons)


def _of_reply(judge: str, row: Mapping) -> Opinion:
    value = "not readable" if row["value"] is None else f"{100 * row['value']:.0f} of 100"
    criteria = ", ".join(f"{name} {level:g}" for name, level in row["criteria"].items())
    verdict = f"{value}, fails the check {row['failure']}" if row["failure"] else value
    said = str(row["reasons"] or row["why"])
    return Opinion(judge, row["system"], verdict, [(criteria, said)] if criteria or said else [])
