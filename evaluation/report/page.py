"""The report's first page, which opens from disk: no network, no script, only text of models."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ...data.manifest import Json
from ..comparison.decision import NOT_COMPARED, USES
from ..comparison.difference import ONE_ANSWER
from ..comparison.language import READINGS
from ..comparison.results import RegionResults, Results
from ..comparison.verdict import RegionVerdict
from .beside import Link
from .flips import changed_items, objected_replies
from .forest import ForestRow, forest_plot
from .numbers import DASH, difference, money, number, open_keys, percent, plain, points, share, span

_VIEWS = {"all_items": "all items", "parsed_only": "parsed only", "asked_labels": "labels asked"}
_HOWS = {"generate": "written", "loglikelihood": "likelihood"}
_FEW_TASKS = 6


def render_page(
    results: Results,
    verdicts: Mapping[str, RegionVerdict],
    *,
    inputs: Sequence[tuple[str, str]],
    packages: Mapping[str, str],
    pages: Sequence[Link] = (),
) -> str:
    """Return the page as HTML; the same results give the same bytes."""
    regions = results.regions
    return (
        report_environment()
        .get_template("page.html")
        .render(
            title=_title(results),
            results=results.figures,
            verdicts=verdicts,
            gate_names=[gate.gate for gate in next(iter(verdicts.values())).gates],
            plots={region.code: _plots(region) for region in regions},
            systems={region.code: _systems(region) for region in regions},
            changed=changed_items(regions),
            objected=objected_replies(regions),
            view_names=_VIEWS,
            hows=_HOWS,
            readings=list(READINGS),
            limited=("language", "script", "register"),
            has_checks=any(region.figures["checks"] for region in regions),
            few_tasks=sum(len(region.tasks) for region in regions) <= _FEW_TASKS,
            share=share,
            difference=difference,
            percent=percent,
            points=points,
            plain=plain,
            has_headlines=any(_headlined(region) for region in regions),
            span=span,
            marks=_marks,
            seconds=_seconds,
            price=_price,
            money=money,
            not_compared={region.code: _not_compared(region) for region in regions},
            bases=_bases(results),
            dash=DASH,
            inputs=inputs,
            packages=packages,
            pages=pages,
            licences=_licences(results),
            is_embedded=any(_is_embedded(region) for region in regions),
        )
    )


def report_environment() -> Environment:
    """Return what renders the report's templates: everything is escaped."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )


def _read(name: str) -> str:
    return files("lokal.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _title(results: Results) -> str:
    others = [name for name in open_keys(results.figures["systems"]) if name != "parent"]
    return f"Parent, child and {', '.join(others)}" if others else "Parent and child"


def _plots(region: RegionResults) -> list[tuple[str, Markup]]:
    """Return a plot for each protocol, with what it shows; each other system has its heading."""
    found: list[tuple[str, Markup]] = []
    for protocol, how in _HOWS.items():
        rows: list[ForestRow | str] = []
        for other in _others(region):
            own = [*_headline_rows(region, protocol, other), *_task_rows(region, protocol, other)]
            rows += [f"against {other}", *own] if own else []
        if rows:
            found.append((how, forest_plot(rows)))
    return found


def _others(region: RegionResults) -> list[str]:
    pairs = [name for task in _tasks(region) for name in task["differences"]]
    names = dict.fromkeys(name.removeprefix("child-") for name in pairs)
    return [name for name in names if name != ONE_ANSWER]


def _task_rows(region: RegionResults, protocol: str, other: str) -> list[ForestRow]:
    rows: list[ForestRow] = []
    for task in _tasks(region):
        pair = task["differences"].get(f"child-{other}")
        if pair is None or task["protocol"] != protocol or not task["counts"]:
            continue
        views = {view: pair[view] for view in _VIEWS if "interval" in pair.get(view, {})}
        for view, made in views.items():
            what = f", {_VIEWS[view]}" if len(views) > 1 else ""
            rows.append(_row(f"{task['suite']}{what}", made))
    return rows


def _headline_rows(region: RegionResults, protocol: str, other: str) -> list[ForestRow]:
    """Return the diamonds; none where one benchmark is all there is."""
    origins = open_keys(open_keys(region.figures["headline"]).get(protocol, {}))
    pair = f"child-{other}"
    found = {origin: pairs[pair] for origin, pairs in origins.items() if pair in pairs}
    if not found or len(found["all"]["tasks"]) < 2:
        return []
    names = {"all": "all together", "native": "native", "translated": "translated"}
    return [
        _row(f"{names[origin]} ({len(found[origin]['tasks'])})", found[origin], is_summary=True)
        for origin in names
        if origin in found
    ]


def _headlined(region: RegionResults) -> bool:
    """Return whether some headline stands for more than one benchmark."""
    headline = open_keys(region.figures["headline"])
    return any(
        len(made["tasks"]) > 1 for origins in headline.values() for made in origins["all"].values()
    )


def _row(label: str, made: Mapping[str, Json], *, is_summary: bool = False) -> ForestRow:
    interval = made["interval"]
    assert isinstance(interval, list)
    low, high = (100 * number(end) for end in interval)
    estimate = 100 * number(made["difference"])
    return ForestRow(label, estimate, low, high, str(made["word"]), is_summary)


def _tasks(region: RegionResults) -> list[dict]:
    tasks = region.figures["tasks"]
    assert isinstance(tasks, list)
    return [open_keys(task) for task in tasks]


def _systems(region: RegionResults) -> list[str]:
    return list(dict.fromkeys(name for task in _tasks(region) for name in task["systems"]))


def _marks(figures: Mapping[str, Json]) -> str:
    """Return why a row is marked."""
    reasons: list[str] = []
    if number(figures["unread"]):
        reasons.append(f"{percent(figures['unread'])} unread")
    if number(figures["coverage"]) < 1:
        reasons.append(f"{figures['missing']} missing")
    return ", ".join(reasons)


def _seconds(value: Json) -> str:
    return DASH if value is None else f"{number(value):.2f}"


def _price(expense: Mapping[str, Json]) -> str:
    """Return dollars for a million tokens, or why they are not known."""
    usd = expense["usd_per_million"]
    return str(expense["basis"]) if usd is None else f"{number(usd):.2f}"


def _not_compared(region: RegionResults) -> dict[str, list[str]]:
    """Return by use the systems of which nothing is known there; no names where it is all."""
    rows = region.figures["decision"]
    assert isinstance(rows, list)
    everyone = {str(open_keys(row)["other"]) for row in rows}
    found: dict[str, list[str]] = {} if rows else {use: [] for use in USES}
    for row in map(open_keys, rows):
        if row["choice"] == NOT_COMPARED:
            found.setdefault(str(row["use"]), []).append(str(row["other"]))
    return {use: [] if set(others) == everyone else others for use, others in found.items()}


def _bases(results: Results) -> list[str]:
    """Return what the known costs rest on, each once."""
    found: dict[str, None] = {}
    for region in results.regions:
        rows = region.figures["decision"]
        assert isinstance(rows, list)
        for row in rows:
            for expense in open_keys(open_keys(row)["expense"]).values():
                if expense["usd_per_million"] is not None:
                    found[str(expense["basis"])] = None
    return list(found)


def _licences(results: Results) -> list[str]:
    found: set[str] = set()
    for region in results.regions:
        licences = region.figures["licences"]
        assert isinstance(licences, list)
        found |= {str(licence) for licence in licences}
        found |= {f"{task['licence']} (items of {task['suite']})" for task in _tasks(region)}
    return sorted(found)


def _is_embedded(region: RegionResults) -> bool:
    training = open_keys(region.figures["training"] or {})
    return open_keys(training.get("model") or {}).get("source") == "embedded"
