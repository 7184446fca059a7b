"""Curves of several runs in one page, each line with the name of its run."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import cast

from jinja2 import Environment, StrictUndefined

from ..data.errors import UserError
from .curves import Curve, curves, short
from .ledger import HELDOUT_NAME, METRICS_NAME, HeldoutRecord, StepRecord, read_lines
from .report import Plot, running_mean

_FIGURES = {
    "loss": ("Loss", "Nats a trained token, running mean."),
    "lr": ("Learning rate", "Of weights without a rate of their own."),
    "grad_norm": ("Gradient norm", "Before clipping, running mean."),
    "tokens_per_second": ("Tokens a second", "Without padding, over all processes, running mean."),
    "memory_mb": ("Memory", "MB, peak so far of the first process."),
}
_AS_IT_IS = ("lr", "memory_mb")


def overlay_page(runs: Mapping[str, Path]) -> str:
    """Return a page with the curves of all runs, by name.

    Raises:
        UserError: fewer than two runs, or one that has not trained.
    """
    if len(runs) < 2:
        raise UserError("name two runs or more: one alone has its page, training.html")
    steps = {name: _steps(folder) for name, folder in runs.items()}
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    source = files("lokal.training").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        name=", ".join(runs),
        state={},
        figures=[
            (f"{lines[0]['loss']:.3f} → {lines[-1]['loss']:.3f}", f"loss of {name}")
            for name, lines in steps.items()
        ],
        plots=[plot for plot in [*_plots(steps), *_heldout(runs)] if plot.picture],
        heldout=[],
        skips=[],
        samples=[],
        settings=[],
    )


def _steps(folder: Path) -> list[StepRecord]:
    path = folder / METRICS_NAME
    lines = read_lines(path) if path.is_file() else ()
    found = [line for line in cast("list[StepRecord]", list(lines)) if "loss" in line]
    if not found:
        raise UserError(f"{folder} has trained no step: name a run's folder with {METRICS_NAME}")
    return found


def _plots(steps: Mapping[str, Sequence[StepRecord]]) -> list[Plot]:
    found: list[Plot] = []
    for key, (title, note) in _FIGURES.items():
        lines: list[Curve] = []
        for name, records in steps.items():
            values = [float(cast("float", dict(record)[key])) for record in records]
            shown = values if key in _AS_IT_IS else running_mean(values)
            lines.append(Curve(name, [record["step"] for record in records], shown))
        found.append(Plot(title, note, curves(lines, title=title)))
    return found


def _heldout(runs: Mapping[str, Path]) -> list[Plot]:
    """Return a picture for each language, with every run that was looked at in it."""
    looks = {
        name: cast("list[HeldoutRecord]", list(read_lines(folder / HELDOUT_NAME)))
        for name, folder in runs.items()
        if (folder / HELDOUT_NAME).is_file()
    }
    languages = sorted(
        {c for several in looks.values() for one in several for c in one["bits_per_byte"]}
    )
    found: list[Plot] = []
    for language in languages:
        lines: list[Curve] = []
        for name, several in looks.items():
            mine = [look for look in several if language in look["bits_per_byte"]]
            values = [look["bits_per_byte"][language] for look in mine]
            lines.append(Curve(name, [look["step"] for look in mine], values))
        title = f"Held-out bits per byte, {language}"
        found.append(Plot(title, "Lower is better.", curves(lines, title=title)))
    return found
