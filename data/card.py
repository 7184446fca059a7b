"""The card of a corpus: what is in it, from where, under which licence, and what was left out."""

from collections import Counter
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
        "Each dropped row is in `dropped-*.parquet` with step, reason and what was found. A source "
        "that could not be read at all counts as one row.",
        "",
        "## Decontamination",
        "",
        *_decontamination_lines(plan, counts),
        "",
        "## Held out",
        "",
        f"{config.heldout_share:.1%} of the clusters of like rows, chosen by a hash of the first "
        f"row's id (seed {config.seed}): no training row is a near copy of a held-out one.",
        "",
        "## Personal values",
        "",
        f"Action `{config.pii.action.name}` for {', '.join(region.pii) or 'no rule'}: "
        f"{_noted(counts, 'pii')}.",
        "",
        "## Registers",
        "",
        f"Labelled in the column `register`: {_noted(counts, 'register')}.",
        "",
        "## Known limits",
        "",
        "- Names of persons and street addresses are not masked: there is no rule for them.",
        "- Near duplicates are found by runs of five words: a short sentence with one word changed "
        "stays.",
        "- Paraphrases and translations of benchmark items into languages that a suite does not "
        "hold are not found.",
        "- Some sentences of close neighbours pass the language gate: Minangkabau for Indonesian, "
        "Bhojpuri for Hindi, English in between.",
    ]
    return "\n".join(lines) + "\n"


def _noted(counts: Mapping[str, Json], kind: str) -> str:
    """Return what steps of one kind counted over all sources: ``email 3, phone_id 1``."""
    total: Counter[str] = Counter()
    for source in cast("dict[str, dict[str, dict[str, int]]]", counts["sources"]).values():
        for what, number in source["notes"].items():
            if what.startswith(f"{kind}: "):
                total[what.removeprefix(f"{kind}: ")] += number
    return ", ".join(f"{what} {total[what]}" for what in sorted(total)) or "none found"


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
    names = [*plan.config.decontaminate.suites, *plan.config.decontaminate.deny_lists]
    if not names:
        return ["None: no suite was named."]
    found = cast("dict[str, dict[str, int]]", counts["decontaminated"])
    met = ", ".join(f"{n} items of {name}" for name, n in found["items_met"].items()) or "no item"
    unknown = sum(found["items_too_short_or_common"].values())
    lines = [
        f"Rows that share their whole text, 13 words, 50 characters, a whole short item or the id "
        f"with a protected item of {', '.join(names)}, in any of its languages, were dropped: "
        f"{found['rows']} rows, {met}. The items' hashes are in `denylist/`.",
        "",
        f"{unknown} of {sum(found['items_protected'].values())} items are too short or too common "
        "to be known again.",
    ]
    if skipped := found["suites_skipped"]:
        lines += ["", f"Not protected, since their items were not there: {', '.join(skipped)}."]
    return lines
