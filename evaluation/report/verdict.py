"""One plain verdict a region: what the figures allow to say, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..results import AGAINST_RECORDINGS, Results


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of one region's child."""

    word: str
    """Against its parent, where replies and log-likelihood agree; else no difference shown."""
    against: dict[str, str]
    """Against each recording; better only if every view says so."""
    english_held: str
    """yes, no, or not shown."""
    reasons: list[str]


def decide(results: Results, *, anchor: str) -> dict[str, Verdict]:
    """Return the verdict of every region."""
    regions = results.figures["regions"]
    assert isinstance(regions, dict)
    return {
        code: _verdict(region, anchor=anchor)
        for code, region in regions.items()
        if isinstance(region, dict)
    }


def _verdict(region: Mapping, *, anchor: str) -> Verdict:
    differences = region["differences"]
    parent = differences["child-parent"]
    recordings = {
        name.removeprefix("child-"): made
        for name, made in differences.items()
        if name != "child-parent"
    }
    held = region["anchor"]["log_likelihood"]["held"]
    task = region["log_likelihood"]["child-parent"]
    reasons = [
        f"Against its parent: {_sentence(parent['word'], parent['all_items'])}.",
        f"The task without the format (likeliest label): {_sentence(task['word'], task)}.",
    ]
    for system, made in recordings.items():
        reasons.append(
            f"Against {system}: {_sentence(made['word'], made['all_items'])} over all items; "
            f"{_sentence(made['parsed_only']['word'], made['parsed_only'])} where both name a "
            f"label ({AGAINST_RECORDINGS})."
        )
        if made["parsed_only"]["word"] == "worse":
            reasons.append(f"{system} is better where it names a label.")
    reasons.append(f"{anchor.upper()} held by log-likelihood, within 2 points: {held}.")
    against = {system: str(made["word"]) for system, made in recordings.items()}
    # A child that only learnt how to answer is not called better at the task.
    word = parent["word"] if parent["word"] == task["word"] else "no difference shown"
    return Verdict(str(word), against, str(held), reasons)


def _sentence(word: str, figures: Mapping) -> str:
    if "interval" not in figures:
        return f"{word} (n = {figures['n']})"
    low, high = (100 * end for end in figures["interval"])
    change = f"{100 * figures['difference']:+.1f} points, could be {low:+.1f} to {high:+.1f}"
    return f"{figures['word']} ({change})"
