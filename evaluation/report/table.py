"""The one table that ``compare`` prints."""

from collections.abc import Mapping

from ..results import Results


def text_table(results: Results) -> str:
    """Return the table: a row a region, accuracies and differences in points with intervals."""
    regions = results.figures["regions"]
    assert isinstance(regions, dict)
    rows = [_row(region) for region in regions.values() if isinstance(region, dict)]
    names = list(rows[0])
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in names]
    lines = [_line(names, widths), _line(["-" * width for width in widths], widths)]
    lines += [_line([row[name] for name in names], widths) for row in rows]
    notes = [
        "",
        *_one_label_notes([region for region in regions.values() if isinstance(region, dict)]),
        "Accuracy in % over all items, 95 % interval; in [ ] over replies that name one label.",
        "Child - parent by log-likelihood tells the task from the format of the answer.",
        "Differences in points. Better than GPT is said only if every view of the items agrees:",
        f"{results.figures['against_recordings']}.",
    ]
    return "\n".join(line.rstrip() for line in [*lines, *notes]) + "\n"


def _row(region: Mapping) -> dict[str, str]:
    row = {"region": str(region["name"])}
    for system, figures in region["systems"].items():
        low, high = (100 * end for end in figures["interval"])
        accuracy = figures["parsed_only"]["accuracy"]
        parsed = "-" if accuracy is None else f"{100 * accuracy:.0f}"
        row[system] = f"{100 * figures['accuracy']:.0f} ({low:.0f}-{high:.0f}) [{parsed}]"
    for name, made in region["differences"].items():
        row[name.replace("child-", "child - ")] = _difference(made["all_items"], made["word"])
        if name == "child-parent":
            task = region["log_likelihood"]["child-parent"]
            row["by log-likelihood"] = _difference(task, task["word"])
    return row


def _one_label_notes(regions: list[dict]) -> list[str]:
    """Return a line for each child that is not shown to beat one fixed answer to everything."""
    notes: list[str] = []
    for region in regions:
        made = region["one_label"]
        against = made["child-one_label"]
        if against["word"] != "better":
            child = _difference(against, against["word"])
            notes.append(
                f"{region['name']}: always answering {made['label']!r} scores "
                f"{100 * made['accuracy']:.0f}; the child against that: {child}."
            )
    return notes


def _difference(figures: Mapping, word: str) -> str:
    if "interval" not in figures:
        return f"n = {figures['n']} {word}"
    low, high = (100 * end for end in figures["interval"])
    return f"{100 * figures['difference']:+.0f} ({low:+.0f} to {high:+.0f}) {word}"


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
