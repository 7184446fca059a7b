"""The report as one page that opens from disk: no network, no script, model output as text."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ...data.manifest import Json
from ..results import RegionView, Results
from .forest import ForestRow, forest_plot
from .verdict import Verdict

_VIEWS = {"all_items": "all items", "parsed_only": "parsed only", "asked_labels": "labels asked"}
_PROTOCOLS = {"generated": "generated", "log_likelihood": "log-likelihood"}


class Flip(NamedTuple):
    """One item on which parent and child differ, with everybody's reply."""

    text: str
    label: str
    replies: dict[str, str]


class FlipList(NamedTuple):
    """The flips of one region in one direction."""

    title: str
    language: str
    rows: list[Flip]


def render_page(
    results: Results,
    verdicts: Mapping[str, Verdict],
    *,
    inputs: Sequence[tuple[str, str]],
    packages: Mapping[str, str],
) -> str:
    """Return the page as HTML; the same results give the same bytes."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("lokal.evaluation.report").joinpath("page.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        title="Parent, child and recorded GPT",
        results=results.figures,
        verdicts=verdicts,
        plots={view.code: _plot(results, view) for view in results.views},
        flip_lists=[flips for view in results.views for flips in _flips(results, view)],
        view_names=_VIEWS,
        protocols=_PROTOCOLS,
        share=_share,
        points=_points,
        span=_span,
        inputs=inputs,
        packages=packages,
        licences=_licences(results),
        is_embedded=any(_is_embedded(_region(results, view.code)) for view in results.views),
    )


def _plot(results: Results, view: RegionView) -> str:
    rows: list[ForestRow] = []
    for name, difference in _region(results, view.code)["differences"].items():
        for key, label in _VIEWS.items():
            made = difference.get(key)
            if made and "interval" in made:
                low, high = made["interval"]
                rows.append(
                    ForestRow(
                        f"{name.replace('child-', 'against ')}, {label}",
                        100 * made["difference"],
                        100 * low,
                        100 * high,
                        made["word"],
                    )
                )
    return forest_plot(rows)


def _flips(results: Results, view: RegionView) -> list[FlipList]:
    """Return what the child lost and what it won against its parent, the losses first."""
    name = _region(results, view.code)["name"]
    parent, child = view.scores["parent"], view.scores["child"]
    lost = [item for item in view.items if parent[item.id].is_right and not child[item.id].is_right]
    won = [item for item in view.items if child[item.id].is_right and not parent[item.id].is_right]
    return [
        FlipList(
            f"{name}: {title}",
            view.code,
            [
                Flip(
                    item.messages[-1]["content"],
                    item.gold[0],
                    {system: scores[item.id].reply for system, scores in view.scores.items()},
                )
                for item in items
            ],
        )
        for title, items in (
            ("parent right, child wrong", lost),
            ("child right, parent wrong", won),
        )
    ]


def _region(results: Results, code: str) -> dict:
    regions = results.figures["regions"]
    assert isinstance(regions, dict)
    region = regions[code]
    assert isinstance(region, dict)
    return region


def _licences(results: Results) -> list[str]:
    regions = [_region(results, view.code) for view in results.views]
    return sorted({str(licence) for region in regions for licence in region["licences"]})


def _is_embedded(region: Mapping) -> bool:
    return bool(region["training"]) and region["training"]["model"]["source"] == "embedded"


def _share(figures: Mapping[str, Json]) -> Markup:
    """Return a share in percent with its interval below it; a dash where nothing is known."""
    if figures["accuracy"] is None:
        return Markup("–")
    percent = f"{100 * _number(figures['accuracy']):.1f}"
    return Markup("{}<small>{}</small>").format(percent, _span(figures["interval"], sign=""))


def _points(value: Json) -> str:
    return f"{100 * _number(value):+.1f}".replace("-", "−")


def _span(interval: Json, sign: str = "+") -> str:
    assert isinstance(interval, list)
    low, high = (format(100 * _number(end), f"{sign}.1f") for end in interval)
    return f"{low} to {high}".replace("-", "−")


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)
