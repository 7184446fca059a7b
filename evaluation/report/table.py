"""The one table that ``compare`` prints."""

from collections.abc import Mapping
from typing import cast

from ...data.manifest import Json
from ..comparison.difference import ONE_ANSWER
from ..comparison.results import Results
from .numbers import open_keys

_HOW = {"generate": "written", "loglikelihood": "likelihood"}


def text_table(results: Results) -> str:
    """Return the table: a row a region and benchmark, values in % and differences in points."""
    rows = [
        _row(region.figures, task)
        for region in results.regions
        for task in _tasks(region.figures)
        if task["is_main"] and task["differences"]
    ]
    if not rows:
        return "Nothing was compared: no benchmark is finished for both parent and child.\n"
    names = _columns(rows, results.figures["systems"])
    widths = [max(len(name), *(len(row.get(name, "")) for row in rows)) for name in names]
    lines = [_line(names, widths), _line(["-" * width for width in widths], widths)]
    lines += [_line([row.get(name, "") for name in names], widths) for row in rows]
    percent = f"{100 * float(str(results.figures['confidence'])):g} %"
    notes = [
        "",
        *_failed_notes(results),
        *_one_answer_notes(results),
        f"Values in % over all items, {percent} interval; in [ ] over readable answers.",
        "Written answers and likelihoods are two tests: neither is compared with the other.",
        "Differences in points. Better than another vendor's model is said only if every view of",
        "the items agrees. * more answers are unreadable or missing than allowed: see the bounds.",
    ]
    return "\n".join(line.rstrip() for line in [*lines, *notes]) + "\n"


def _failed_notes(results: Results) -> list[str]:
    failed = cast("Mapping[str, Mapping[str, str]]", results.figures.get("failed", {}))
    return [f"{region['name']} is not compared. {region['why']}" for region in failed.values()]


def _columns(rows: list[dict[str, str]], systems: Json) -> list[str]:
    """Return the columns: what is compared, all systems as they were named, all differences."""
    found = dict.fromkeys(name for row in rows for name in row)
    named = ["parent", "child", *(name for name in open_keys(systems) if name != "parent")]
    pairs = [f"child - {name}" for name in named]
    fixed = [name for name in found if name not in {*named, *pairs}]
    return [name for name in (*fixed, *named, *pairs) if name in found]


def _tasks(region: Mapping) -> list[Mapping]:
    return list(region["tasks"])


def _row(region: Mapping, task: Mapping) -> dict[str, str]:
    row = {
        "region": str(region["name"]),
        "benchmark": str(task["suite"]),
        "how": _HOW[task["protocol"]],
        "n": str(task["n"]),
    }
    for system, figures in task["systems"].items():
        row[system] = _value(figures)
    for name, made in task["differences"].items():
        if name != f"child-{ONE_ANSWER}":
            row[name.replace("child-", "child - ")] = _difference(made["all_items"], made["word"])
    return row


def _value(figures: Mapping) -> str:
    if figures["value"] is None:
        return "-"
    low, high = (100 * end for end in figures["interval"])
    parsed = figures.get("parsed_only", {}).get("value")
    read = "" if "parsed_only" not in figures else f" [{'-' if parsed is None else _whole(parsed)}]"
    mark = "*" if figures["marked"] else ""
    return f"{_whole(figures['value'])} ({low:.0f}-{high:.0f}){read}{mark}"


def _whole(value: float) -> str:
    return f"{100 * value:.0f}"


def _one_answer_notes(results: Results) -> list[str]:
    """Return a line for each task at which the child is not shown to beat one fixed answer."""
    notes: list[str] = []
    for region in results.regions:
        for task in _tasks(region.figures):
            made = task["differences"].get(f"child-{ONE_ANSWER}")
            if made is None or task["protocol"] != "generate" or made["word"] == "better":
                continue
            fixed = task[ONE_ANSWER]
            child = _difference(made["all_items"], made["word"])
            notes.append(
                f"{region.figures['name']}, {task['suite']}: always answering {fixed['answer']!r} "
                f"scores {_whole(fixed['value'])}; the child against that: {child}."
            )
    return notes


def _difference(figures: Mapping, word: str) -> str:
    if "interval" not in figures:
        return f"n = {figures['n']} {word}"
    low, high = (100 * end for end in figures["interval"])
    return f"{100 * figures['difference']:+.0f} ({low:+.0f} to {high:+.0f}) {word}"


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
