"""Where the compared systems come from: labels, recordings, training and licences."""

from collections.abc import Mapping
from pathlib import Path

from ...data.manifest import Json, read_manifest
from ...data.region import load_region
from ..settings import CompareConfig


def describe_systems(config: CompareConfig) -> dict[str, Json]:
    """Return what a reader should know of parent and baselines."""
    found: dict[str, Json] = {}
    for system, folder in {"parent": config.parent, **_same(config.baselines)}.items():
        manifest = read_manifest(config.generations(folder))
        facts = manifest.config if manifest else {}
        recording = facts.get("recording")
        found[system] = {
            "label": facts.get("label"),
            "kind": facts.get("kind"),
            "licence": facts.get("licence"),
            "asked": _asked(recording) if isinstance(recording, dict) else None,
        }
    return found


def unasked_labels(config: CompareConfig) -> dict[str, list[str]]:
    """Return by system the labels that its recorded prompt did not offer."""
    found: dict[str, list[str]] = {}
    for system in config.baselines:
        manifest = read_manifest(config.generations(system))
        recording = manifest.config.get("recording") if manifest else None
        labels = recording.get("unasked_labels") if isinstance(recording, dict) else None
        if isinstance(labels, list) and labels:
            found[system] = [str(label) for label in labels]
    return found


def describe_training(config: CompareConfig, region: str) -> dict[str, Json]:
    """Return what is known of the child's corpus and training; null where nothing is named."""
    return {
        "decontaminated": _counts(config.corpora, region, "decontaminated"),
        "tasks_trained": _tasks_trained(config, region),
        "training": _training(config, region),
        "licences": _licences(config, region),
    }


def _same(names: list[str]) -> dict[str, str]:
    return {name: name for name in names}


def _asked(recording: Mapping[str, Json]) -> str:
    shots = recording.get("shots")
    language = load_region(str(recording.get("prompt_language"))).name
    how = "zero-shot" if shots == 0 else f"{shots}-shot"
    return f"{how}, {recording.get('model_date')}, {language} prompt"


def _tasks_trained(config: CompareConfig, region: str) -> list[Json]:
    """Return the suites whose training split is in the child's corpus."""
    manifest = read_manifest(Path(config.corpora[region])) if region in config.corpora else None
    corpus = manifest.config.get("corpus") if manifest else None
    sources = corpus.get("sources") if isinstance(corpus, dict) else None
    if not isinstance(sources, dict):
        return []
    suites = [source.get("suite") for source in sources.values() if isinstance(source, dict)]
    return list[Json](sorted({str(suite) for suite in suites if suite}))


def _counts(folders: Mapping[str, str], region: str, key: str | None = None) -> Json:
    if region not in folders:
        return None
    manifest = read_manifest(Path(folders[region]))
    if manifest is None:
        return None
    # Times and memory differ from run to run: they stay in the model's own manifest.
    steady = {
        name: value
        for name, value in manifest.counts.items()
        if not name.startswith(("seconds", "peak_memory"))
    }
    return steady.get(key) if key else steady


def _training(config: CompareConfig, region: str) -> Json:
    counts = _counts(config.models, region)
    manifest = read_manifest(Path(config.models[region])) if region in config.models else None
    if manifest is None or not isinstance(counts, dict):
        return None
    return {**counts, "seeds": dict(manifest.seeds), "model": manifest.config.get("model")}


def _licences(config: CompareConfig, region: str) -> list[Json]:
    found: set[str] = set()
    for folders in (config.corpora, config.models):
        manifest = read_manifest(Path(folders[region])) if region in folders else None
        found |= set(manifest.licences) if manifest else set()
    return list[Json](sorted(found))
