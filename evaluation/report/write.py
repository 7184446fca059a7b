"""Writes the report folder: figures, verdict, table and page, the manifest last."""

import shutil
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from ...data.config import as_json
from ...data.manifest import (
    package_versions,
    read_manifest,
    record_input,
    write_json,
    write_manifest,
)
from ..comparison.results import build_results
from ..comparison.verdict import decide, verdict_json
from ..settings import CompareConfig
from .beside import copy_pages, write_leaderboard, write_provenance
from .items.case import cases_of
from .items.opinions import read_opinions
from .items.write import write_items
from .page import render_page, report_environment
from .table import text_table


def write_report(config: CompareConfig, *, key: str, now: datetime) -> None:
    """Make the report beside its place, then move it there."""
    inputs = config.inputs
    results = build_results(config)
    verdicts = decide(results)
    folder = config.folder
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_json(temporary / "results.json", results.figures)
    write_json(temporary / "verdict.json", verdict_json(verdicts))
    (temporary / "table.txt").write_text(text_table(results), encoding="utf-8")
    _copy_looks(temporary)
    names = {region.code: str(region.figures["name"]) for region in results.regions}

    def shown(path: Path) -> str:
        return _shown(path, config)

    environment = report_environment()
    pages = copy_pages(temporary, config, names=names)
    pages.insert(0, write_leaderboard(temporary, results, environment=environment))
    pages.append(write_provenance(temporary, inputs, environment=environment, shown=shown))
    page = render_page(
        results,
        verdicts,
        inputs=[(shown(path), record_input(path).sha256) for path in inputs],
        packages=package_versions(),
        pages=pages,
    )
    (temporary / "index.html").write_text(page, encoding="utf-8")
    opinions = read_opinions(config.run)
    write_items(temporary, cases_of(results.regions), regions=names, opinions=opinions)
    manifests = [read_manifest(path) for path in inputs]
    write_manifest(
        temporary,
        recipe="compare",
        key=key,
        config=as_json(config),
        inputs=inputs,
        licences=[name for manifest in manifests if manifest for name in manifest.licences],
        seeds={"bootstrap": config.statistics.seed},
        started_at=now,
        finished_at=datetime.now(UTC),
    )
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _copy_looks(folder: Path) -> None:
    """Put the style and the typeface, which has Devanagari, beside the pages."""
    package = files("lokal.evaluation.report")
    (folder / "style.css").write_bytes(package.joinpath("style.css").read_bytes())
    (folder / "fonts").mkdir()
    for font in sorted(package.joinpath("fonts").iterdir(), key=lambda font: font.name):
        (folder / "fonts" / font.name).write_bytes(font.read_bytes())


def _shown(path: Path, config: CompareConfig) -> str:
    """Return the path from the root of the runs: the page is to be passed on."""
    root = Path(config.root).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
