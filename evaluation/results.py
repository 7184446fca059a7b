"""The content of ``results.json``: every figure of the comparison, built from finished folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..data.manifest import Json, read_manifest
from ..data.region import load_region
from ..data.suite import Suite
from .comparison import (
    anchor_held,
    compare_one_label,
    compare_right,
    compare_scores,
    describe_share,
    describe_system,
)
from .generations import part_name
from .item import Item
from .items import read_items
from .scores import Score, score_likelihoods, score_replies
from .scorings import times_scored
from .settings import CompareConfig

AGAINST_RECORDINGS = "fine-tuned on this task against zero-shot, 2023, English prompt"


@dataclass(frozen=True, slots=True)
class RegionView:
    """What one region's part of the page shows: its items and each system's scores on them."""

    code: str
    items: list[Item]
    scores: dict[str, dict[str, Score]]
    """By system (parent, child, recordings), then by item id."""


@dataclass(frozen=True, slots=True)
class Results:
    """The figures, and the views that the page needs beside them."""

    figures: dict[str, Json]
    views: list[RegionView]


def build_results(config: CompareConfig) -> Results:
    """Return the comparison of all regions.

    Raises:
        UserError: a system's replies are missing.
    """
    suite = config.suite
    views = [_view(config, suite, region) for region in config.regions]
    regions: dict[str, Json] = {view.code: _region(config, suite, view) for view in views}
    figures: dict[str, Json] = {
        "suite": suite.name,
        "split": config.split,
        "confidence": config.statistics.confidence,
        "power": config.statistics.power,
        "anchor": config.anchor,
        "anchor_name": load_region(config.anchor).name,
        "anchor_margin": config.statistics.anchor_margin,
        "against_recordings": AGAINST_RECORDINGS,
        "parent": _parent_label(config),
        "texts_licence": f"{suite.licence} ({suite.source})",
        "test_scored": times_scored(config),
        "regions": regions,
    }
    return Results(figures, views)


def _view(config: CompareConfig, suite: Suite, region: str) -> RegionView:
    items = read_items(suite, split=config.split, language=region)
    folders = {"parent": config.parent, "child": config.child_of(region)}
    folders |= {name: name for name in config.baselines}
    file = part_name(suite.name, split=config.split, language=region) + ".jsonl"
    scores = {
        name: score_replies(config.generations(folder) / file, items, suite)
        for name, folder in folders.items()
    }
    return RegionView(region, items, scores)


def _region(config: CompareConfig, suite: Suite, view: RegionView) -> dict[str, Json]:
    confidence = config.statistics.confidence
    ordered = {
        name: [scores[item.id] for item in view.items] for name, scores in view.scores.items()
    }
    systems: dict[str, Json] = {
        name: describe_system(scores, confidence=confidence) for name, scores in ordered.items()
    }
    return {
        "name": load_region(view.code).name,
        "systems": systems,
        "one_label": compare_one_label(
            view.items, view.scores["child"], statistics=config.statistics
        ),
        "log_likelihood": _log_likelihood(config, suite, view),
        "differences": _differences(config, view),
        "anchor": _anchor(config, suite, view.code),
        "decontaminated": _counts(config.corpora, view.code, "decontaminated"),
        "training": _training(config, view.code),
        "licences": _licences(config, view.code),
    }


def _differences(config: CompareConfig, view: RegionView) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for other in ("parent", *config.baselines):
        unasked = [] if other == "parent" else _unasked(config, other)
        found[f"child-{other}"] = compare_scores(
            view.items,
            view.scores["child"],
            view.scores[other],
            statistics=config.statistics,
            unasked_labels=unasked,
        )
    parent = found["child-parent"]
    assert isinstance(parent, dict)
    everything = parent["all_items"]
    assert isinstance(everything, dict)
    # Parent and child got the same prompt: to all items a reply without a label is just wrong.
    parent["word"] = everything["word"]
    return found


def _unasked(config: CompareConfig, system: str) -> list[str]:
    manifest = read_manifest(config.generations(system))
    recording = manifest.config.get("recording") if manifest else None
    labels = recording.get("unasked_labels") if isinstance(recording, dict) else None
    return [str(label) for label in labels] if isinstance(labels, list) else []


def _log_likelihood(config: CompareConfig, suite: Suite, view: RegionView) -> dict[str, Json]:
    file = part_name(suite.name, split=config.split, language=view.code) + ".loglikelihood.jsonl"
    right = {
        name: score_likelihoods(config.generations(folder) / file, view.items)
        for name, folder in (("parent", config.parent), ("child", config.child_of(view.code)))
    }
    ordered = {name: [scores[item.id] for item in view.items] for name, scores in right.items()}
    shares: dict[str, Json] = {
        name: describe_share(values, confidence=config.statistics.confidence)
        for name, values in ordered.items()
    }
    made = compare_right(ordered["child"], ordered["parent"], statistics=config.statistics)
    return {**shares, "child-parent": made.figures}


def _anchor(config: CompareConfig, suite: Suite, region: str) -> dict[str, Json]:
    items = read_items(suite, split=config.split, language=config.anchor)
    name = part_name(suite.name, split=config.split, language=config.anchor)
    right: dict[str, dict[str, list[bool]]] = {"generated": {}, "log_likelihood": {}}
    for system, folder in (("parent", config.parent), ("child", config.child_of(region))):
        base = config.generations(folder)
        scores = score_replies(base / f"{name}.jsonl", items, suite)
        likely = score_likelihoods(base / f"{name}.loglikelihood.jsonl", items)
        right["generated"][system] = [scores[item.id].is_right for item in items]
        right["log_likelihood"][system] = [likely[item.id] for item in items]
    found: dict[str, Json] = {"language": config.anchor}
    for protocol, systems in right.items():
        made = compare_right(systems["child"], systems["parent"], statistics=config.statistics)
        shares: dict[str, Json] = {
            system: describe_share(values, confidence=config.statistics.confidence)
            for system, values in systems.items()
        }
        found[protocol] = {
            **shares,
            "child-parent": made.figures,
            "held": anchor_held(made.figures, margin=config.statistics.anchor_margin),
        }
    return found


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


def _parent_label(config: CompareConfig) -> Json:
    manifest = read_manifest(config.generations(config.parent))
    return manifest.config.get("label") if manifest else None


def _licences(config: CompareConfig, region: str) -> list[Json]:
    found: set[str] = set()
    for folders in (config.corpora, config.models):
        manifest = read_manifest(Path(folders[region])) if region in folders else None
        found |= set(manifest.licences) if manifest else set()
    return list[Json](sorted(found))
