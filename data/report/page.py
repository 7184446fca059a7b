"""Renders the corpus' report: funnel, lengths, languages, fertility, examples of dropped rows."""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import cast

from jinja2 import Environment, StrictUndefined

from ..manifest import Json
from ..pii.find import find_pii
from ..pii.mask import mask
from ..pii.registry import rules_named
from ..pii.rule import Rule
from ..plan import CorpusPlan, tokenizer_file
from .fertility import Fertility, fertility
from .lengths import LENGTH_EDGES, RowFigures, row_figures
from .plots import Bar, bars, histogram
from .sample import DroppedRow, dropped_examples, kept_rows

_FERTILITY_ROWS = 2_000
_EXAMPLE_CHARS = 400


def corpus_page(plan: CorpusPlan, counts: Mapping[str, Json], *, corpus: Path) -> str:
    """Return the page as HTML; the same corpus gives the same bytes.

    Raises:
        UserError: the tokenizer that fertility is asked for cannot be read.
    """
    figures = row_figures(corpus)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = lambda number: f"{number:,}".replace(",", "\u202f")
    folder = files("lokal.data.report")
    source = folder.joinpath("page.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        region=plan.region,
        corpus=plan.corpus,
        config=plan.config,
        counts=counts,
        steps=[step for step in _steps(counts) if step["dropped"]],
        funnel=_funnel(counts),
        lengths=histogram(
            LENGTH_EDGES, figures.kept_lengths, figures.dropped_lengths, title="Lengths"
        ),
        languages=_languages(figures),
        registers=_registers(figures),
        notes=_notes(counts),
        fertility=_fertility(plan, corpus),
        examples=_by_reason(dropped_examples(corpus)),
        shown=partial(_shown, rules=rules_named(plan.region.pii, region=plan.region.code)),
    )


def _steps(counts: Mapping[str, Json]) -> list[dict[str, Json]]:
    return cast("list[dict[str, Json]]", counts["steps"])


def _funnel(counts: Mapping[str, Json]) -> str:
    """Return one bar a source: what is trained, held out, dropped."""
    rows: list[Bar] = []
    for name, source in cast("dict[str, dict[str, int]]", counts["sources"]).items():
        kept, held = source["train_rows"], source["heldout_rows"]
        dropped = source["rows_read"] - kept - held
        parts = {"kept": kept, "held": held, "dropped": dropped}
        share = (kept + held) / source["rows_read"]
        rows.append(Bar(name, parts, f"{share:.1%} of {source['rows_read']}"))
    return bars(rows, title="Rows kept, by source", relative=True)


def _languages(figures: RowFigures) -> str:
    total = figures.languages.total() or 1
    rows = [
        Bar(code or "not sure", {"held": number}, f"{number} ({number / total:.1%})")
        for code, number in sorted(figures.languages.items(), key=lambda item: (-item[1], item[0]))
    ]
    return bars(rows[:12], title="Detected languages")


def _registers(figures: RowFigures) -> list[tuple[str, int]]:
    return sorted((name or "plain", number) for name, number in figures.registers.items())


def _notes(counts: Mapping[str, Json]) -> list[tuple[str, str, int]]:
    """Return source, what, number of everything that steps changed or saw."""
    sources = cast("dict[str, dict[str, dict[str, int]]]", counts["sources"])
    return [
        (name, what, number)
        for name, source in sources.items()
        for what, number in source["notes"].items()
    ]


def _fertility(plan: CorpusPlan, corpus: Path) -> Fertility | None:
    if not plan.config.tokenizer:
        return None
    rows = kept_rows(corpus, num_rows=_FERTILITY_ROWS)
    return fertility(rows, tokenizer=tokenizer_file(plan.config.tokenizer))


def _by_reason(rows: list[DroppedRow]) -> dict[str, list[DroppedRow]]:
    found: dict[str, list[DroppedRow]] = {}
    for row in rows:
        found.setdefault(f"{row.step}: {row.reason}", []).append(row)
    return found


def _shown(text: str, *, rules: list[Rule]) -> str:
    """Return the text's beginning without personal values, which dropped rows still hold.

    It ends at white space, so that no cluster is cut in two.
    """
    head = text[:_EXAMPLE_CHARS]
    if len(text) > _EXAMPLE_CHARS:
        head = (head.rsplit(None, 1)[0] if " " in head else head) + " …"
    return mask(head, find_pii(head, rules))
