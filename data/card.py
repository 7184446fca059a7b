"""The card of a corpus: what is in it, from where, under which licence, and what was left out."""

from collections.abc import Mapping
from typing import cast

from .manifest import Json
from .plan import CorpusPlan


def corpus_card(plan: CorpusPlan, counts: Mapping[str, Json]) -> str:
    """Return the card as Markdown; the same corpus gives the same text."""
    region, config = plan.region, plan.config
    lines = [
        f"# {region.name} corpus `{plan.corpus.name}`",
        "",
        f"{counts['train_rows']} training rows and {counts['heldout_rows']} held-out rows in "
        f"{region.name} ({region.native_name}, `{region.code}`, {', '.join(region.scripts)}), "
        f"from {counts['rows_read']} rows read.",
        "",
        "## Sources",
        "",
        "| source | what | licence | read | training | held out | origin |",
        "|---|---|---|---:|---:|---:|---|",
        *_source_lines(plan, counts),
        "",
        "Whoever passes this corpus on must keep to each source's licence.",
        "",
        "## What was dropped",
        "",
        "| step | rows in | dropped | rows out | reasons |",
        "|---|---:|---:|---:|---|",
        *_step_lines(counts),
        "",
        "Each dropped row is in `dropped-*.parquet` with step, reason and what was found.",
        "",
        "## Decontamination",
        "",
        *_decontamination_lines(plan, counts),
        "",
        "## Held out",
        "",
        f"{config.heldout_share:.1%} of the clean rows, chosen by a hash of the row's id "
        f"(seed {config.seed}).",
    ]
    return "\n".join(lines) + "\n"


def _source_lines(plan: CorpusPlan, counts: Mapping[str, Json]) -> list[str]:
    found = cast("dict[str, dict[str, Json]]", counts["sources"])
    return [
        f"| {name} | {source.kind.name} | {source.licence} | {row['rows_read']} "
        f"| {row['train_rows']} | {row['heldout_rows']} | {source.url or source.path} |"
        for name, row in found.items()
        if (source := plan.corpus.sources[name])
    ]


def _step_lines(counts: Mapping[str, Json]) -> list[str]:
    lines: list[str] = []
    for step in cast("list[dict[str, Json]]", counts["steps"]):
        reasons = cast("dict[str, int]", step["dropped"])
        told = "; ".join(f"{reason}: {number}" for reason, number in reasons.items())
        lines.append(
            f"| {step['step']} | {step['rows_in']} | {sum(reasons.values())} "
            f"| {step['rows_out']} | {told} |"
        )
    return lines


def _decontamination_lines(plan: CorpusPlan, counts: Mapping[str, Json]) -> list[str]:
    names = plan.config.decontaminate.suites
    if not names:
        return ["None: no suite was named."]
    found = cast("dict[str, Json]", counts["decontaminated"])
    items = cast("dict[str, int]", found["items_met"])
    met = ", ".join(f"{number} items of {name}" for name, number in items.items()) or "no item"
    return [
        f"Rows that share their whole text, 13 words or 50 characters with a dev or test item of "
        f"{', '.join(names)}, in any of its languages, were dropped: {found['rows']} rows, {met}."
    ]
