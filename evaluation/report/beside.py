"""The pages that stand beside the first one: training and data of each region, and provenance."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment

from ...data.manifest import Manifest, read_manifest
from ..comparison.results import Results
from ..settings import CompareConfig
from .numbers import DASH, difference, percent, plain, span

PROVENANCE_NAME = "provenance.html"
LEADERBOARD_NAME = "leaderboard.html"


class Link(NamedTuple):
    """An entry of the first page's list of pages."""

    label: str
    href: str


class Made(NamedTuple):
    """One finished folder."""

    place: str
    manifest: Manifest
    outputs: int
    size_mb: float


def copy_pages(folder: Path, config: CompareConfig, *, names: Mapping[str, str]) -> list[Link]:
    """Copy training and data pages of the regions that name them; return their links."""
    found: list[Link] = []
    for region, name in names.items():
        pages = {
            f"training-{region}.html": ("training", _training_page(config, region)),
            f"data-{region}.html": ("data", _data_page(config, region)),
        }
        for file, (what, path) in pages.items():
            if path is not None and path.is_file():
                shutil.copyfile(path, folder / file)
                found.append(Link(f"{name}, {what}", file))
    return found


def _training_page(config: CompareConfig, region: str) -> Path | None:
    model = config.models.get(region)
    return None if model is None else Path(model).resolve().parent / "training.html"


def _data_page(config: CompareConfig, region: str) -> Path | None:
    corpus = config.corpora.get(region)
    return None if corpus is None else Path(corpus).resolve() / "report.html"


def write_leaderboard(folder: Path, results: Results, *, environment: Environment) -> Link:
    """Write every system beside every other, with links to the items of each pair."""

    def link(region: str, pair: Mapping[str, str], change: str) -> str:
        filters = {"region": region, "system": pair["first"], "other": pair["second"]}
        return f"find.html#{urlencode(filters | {'change': change})}"

    page = environment.get_template("leaderboard.html").render(
        regions=results.figures["regions"],
        link=link,
        plain=plain,
        span=span,
        percent=percent,
        difference=difference,
        dash=DASH,
    )
    (folder / LEADERBOARD_NAME).write_text(page, encoding="utf-8")
    return Link("All systems", LEADERBOARD_NAME)


def write_provenance(
    folder: Path,
    inputs: Sequence[Path],
    *,
    environment: Environment,
    shown: Callable[[Path], str],
) -> Link:
    """Write what every input was made from, by which code, under which licences."""
    found = [(path, read_manifest(path)) for path in inputs]
    rows = [
        Made(
            shown(path),
            manifest,
            len(manifest.outputs),
            sum(record.size_bytes for record in manifest.outputs) / 1e6,
        )
        for path, manifest in found
        if manifest is not None
    ]
    page = environment.get_template("provenance.html").render(rows=rows, shown=shown, Path=Path)
    (folder / PROVENANCE_NAME).write_text(page, encoding="utf-8")
    return Link("Provenance", PROVENANCE_NAME)
