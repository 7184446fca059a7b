"""``training.html``: a run's curves, held-out figures and samples in a page without a network."""

import json
import statistics
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, cast

from jinja2 import Environment, StrictUndefined

from ..data.manifest import Json, write_text
from .curves import Curve, curves, short
from .ledger import (
    HELDOUT_NAME,
    METRICS_NAME,
    SAMPLES_NAME,
    HeldoutRecord,
    SampleRecord,
    SkipRecord,
    StepRecord,
    read_lines,
)
from .run_record import RunRecord
from .run_state import STATE_NAME

REPORT_NAME = "training.html"
_MOST_SAMPLES = 60
_TREND = 0.9
"""Of the running mean that is drawn over the loss: a step counts a tenth."""


class Plot(NamedTuple):
    """One section with a picture."""

    title: str
    note: str
    picture: str


def write_report(folder: Path, *, name: str) -> None:
    """Write the page from the run's files, if it has trained; same files, same bytes."""
    if (folder / METRICS_NAME).is_file():
        write_text(folder / REPORT_NAME, run_page(folder, name=name))


def run_page(folder: Path, *, name: str) -> str:
    """Return the page as HTML; text of models is escaped, and there is no script in it."""
    lines = cast("list[StepRecord | SkipRecord]", list(read_lines(folder / METRICS_NAME)))
    steps = [line for line in lines if "loss" in line]
    heldout = cast("list[HeldoutRecord]", list(read_lines(folder / HELDOUT_NAME)))
    samples = cast("list[SampleRecord]", list(read_lines(folder / SAMPLES_NAME)))
    record = RunRecord.read(folder)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    source = files("lokal.training").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        name=name,
        state=_state(folder),
        figures=_figures(steps, lines),
        plots=_plots(steps, heldout),
        heldout=_heldout_rows(heldout),
        skips=[line for line in lines if "skipped" in line],
        samples=samples[-_MOST_SAMPLES:],
        settings=[] if record is None else _flat(dict(record.settings)),
    )


def _state(folder: Path) -> dict[str, Json]:
    path = folder / STATE_NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _figures(
    steps: Sequence[StepRecord], lines: Sequence[StepRecord | SkipRecord]
) -> list[tuple[str, str]]:
    """Return value and name of what stands at the top."""
    if not steps:
        return []
    rates = [line["tokens_per_second"] for line in steps]
    shares = [line["mfu"] for line in steps if line["mfu"] is not None]
    found = [
        (short(len(lines)), "steps"),
        (f"{steps[0]['loss']:.3f} → {steps[-1]['loss']:.3f}", "loss, first and last"),
        (short(sum(line["trained_tokens"] for line in steps)), "trained tokens"),
        (short(round(statistics.median(rates))), "tokens a second, median"),
        (short(max(line["memory_mb"] for line in steps)), "MB, peak of the first process"),
    ]
    if shares:
        found.append((f"{statistics.median(shares):.0%}", "of the hardware's peak, median"))
    if len(lines) > len(steps):
        found.append((str(len(lines) - len(steps)), "skipped steps"))
    return found


def _plots(steps: Sequence[StepRecord], heldout: Sequence[HeldoutRecord]) -> list[Plot]:
    numbers = [line["step"] for line in steps]
    losses = [line["loss"] for line in steps]

    def of(name: str, title: str, note: str) -> Plot:
        values = [float(cast("float", dict(line)[name])) for line in steps]
        return Plot(title, note, curves([Curve("", numbers, values)], title=title))

    loss_lines = [Curve("each", numbers, losses), Curve("trend", numbers, running_mean(losses))]
    found = [
        Plot("Loss", "Nats a trained token.", curves(loss_lines, title="Loss")),
        Plot(
            "Loss by language",
            "Running mean over the steps in which the language occurs.",
            curves(_by_language(steps), title="Loss by language"),
        ),
        Plot(
            "Held-out bits per byte",
            "Of text that is not trained on; lower is better.",
            curves(_heldout_curves(heldout), title="Held-out bits per byte"),
        ),
        of("lr", "Learning rate", "Of weights without a rate of their own."),
        of("grad_norm", "Gradient norm", "Before clipping."),
        of("tokens_per_second", "Tokens a second", "Without padding, over all processes."),
        of("memory_mb", "Memory", "MB, peak so far of the first process; a restart begins anew."),
    ]
    return [plot for plot in found if plot.picture]


def _by_language(steps: Sequence[StepRecord]) -> list[Curve]:
    languages = sorted({code for line in steps for code in line["loss_by_language"]})
    if len(languages) < 2:
        return []
    found: list[Curve] = []
    for code in languages:
        mine = [line for line in steps if code in line["loss_by_language"]]
        values = running_mean([line["loss_by_language"][code] for line in mine])
        found.append(Curve(code, [line["step"] for line in mine], values))
    return found


def _heldout_curves(heldout: Sequence[HeldoutRecord]) -> list[Curve]:
    languages = sorted({code for line in heldout for code in line["bits_per_byte"]})
    return [
        Curve(
            code,
            [line["step"] for line in heldout if code in line["bits_per_byte"]],
            [line["bits_per_byte"][code] for line in heldout if code in line["bits_per_byte"]],
        )
        for code in languages
    ]


def _heldout_rows(heldout: Sequence[HeldoutRecord]) -> list[dict[str, Json]]:
    """Return first, best and last of each language."""
    rows: list[dict[str, Json]] = []
    for curve in _heldout_curves(heldout):
        best = min(range(len(curve.values)), key=curve.values.__getitem__)
        rows.append(
            {
                "language": curve.name,
                "first": curve.values[0],
                "best": curve.values[best],
                "best_step": curve.steps[best],
                "last": curve.values[-1],
                "change": curve.values[-1] / curve.values[0] - 1,
            }
        )
    return rows


def running_mean(values: Sequence[float]) -> list[float]:
    """Return the exponential mean up to each value."""
    found: list[float] = []
    for value in values:
        found.append(value if not found else _TREND * found[-1] + (1 - _TREND) * value)
    return found


def _flat(settings: dict[str, Json], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, dict) and value and name != "checkpoint":
            found += _flat(value, f"{prefix}{name}.")
        elif name != "checkpoint":
            found.append((prefix + name, json.dumps(value, ensure_ascii=False)))
    return found
