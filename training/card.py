"""The model card: what was trained from what, on which data, and what the licences ask."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from ..data.base_model import ModelConfig, ModelSource
from ..data.config import as_json
from ..data.corpus_sources import SourceRows
from ..data.licence import Licence, find_licence, find_licences
from ..data.manifest import Json
from .finetune_config import FinetuneConfig
from .settings import MethodKind

_NOT_IN_THE_TABLE = ("name", "root", "overwrite", "region", "model", "corpus_folder", "sources",
                     "launch", "tracker")  # fmt: skip


def model_card(
    config: FinetuneConfig,
    *,
    counts: Mapping[str, Json],
    data: Sequence[SourceRows],
    hashes: Mapping[str, str],
    measured: Sequence[str] = (),
) -> str:
    """Return the card as Markdown with the front matter that the Hub reads.

    Args:
        data: the training rows by source and licence.
        hashes: SHA-256 by what it is of.
        measured: lines on what was measured, such as held-out figures; each a list item.
    """
    parent = find_licence(config.model.licence)
    of_data = find_licences(row.licence for row in data)
    lines = [
        *_front_matter(config, parent, of_data),
        f"# {model_name(config)}",
        "",
        *([f"**{parent.shown}**", ""] if parent.shown else []),
        f"{_origin(config.model)}, trained for {config.region.name} "
        f"({config.region.native_name}) with `lokal finetune`.",
        "",
        "**Not evaluated for safety.** Its answers can be wrong, biased or harmful; test it for "
        "your use before you show it to anybody.",
        "",
        "## Training",
        "",
        *_training(config, counts),
        "",
        "## Data",
        "",
        *_data_table(config, data, counts),
        "",
        "## Measured",
        "",
        f"- Training loss: {counts['first_loss']:.4f} at the first step, "
        f"{counts['last_loss']:.4f} at the last",
        *(f"- {line}" for line in measured),
        *([] if measured else ["- Nothing else yet: `lokal evaluate` and `lokal compare` do."]),
        "",
        "## Licences, and what they ask of whoever passes this model on",
        "",
        *_licences(config, parent, of_data),
        "",
        "## Settings",
        "",
        *_settings(config),
        "",
        "## Hashes",
        "",
        *(f"- {what}: `{value}`" for what, value in hashes.items()),
        "",
        "Files, versions of packages and times stand in `manifest.json`.",
    ]
    return "\n".join(lines) + "\n"


def model_name(config: FinetuneConfig) -> str:
    """Return the name on the card; it begins as the parent's licence wants it to."""
    begins = find_licence(config.model.licence).name_begins_with
    label = config.model.label
    prefix = "" if label.startswith(begins) else f"{begins} "
    return f"{prefix}{label} for {config.region.name}"


def _front_matter(
    config: FinetuneConfig, parent: Licence, of_data: Sequence[Licence]
) -> Iterator[str]:
    is_adapter = config.method.kind is not MethodKind.full
    yield from ("---", f"language: {config.region.code}", "pipeline_tag: text-generation")
    yield f"library_name: {'peft' if is_adapter else 'transformers'}"
    if base := config.model.path if config.model.source is ModelSource.hub else config.model.origin:
        yield f"base_model: {base}"
        yield f"base_model_relation: {'adapter' if is_adapter else 'finetune'}"
    # The parent's licence alone would promise too much where the data ask for more.
    asks_more = any(
        item.share_alike or item.non_commercial or not item.is_known for item in of_data
    )
    if asks_more or parent.hub == "other":
        yield from ("license: other", "license_name: of-parent-and-data", "license_link: README.md")
    else:
        yield f"license: {parent.hub}"
    yield from (f"tags: [lokal, {config.method.kind.name}]", "---")


def _origin(model: ModelConfig) -> str:
    if model.source is ModelSource.scratch:
        return "A small Llama that began with random weights"
    if model.source is ModelSource.hub:
        return f"{model.path} at {model.revision}"
    return f"{model.label} (from {model.origin})" if model.origin else model.label


def _training(config: FinetuneConfig, counts: Mapping[str, Json]) -> list[str]:
    method = config.method
    size = f", rank {method.rank}, alpha {method.alpha}" if method.targets else ""
    layers = f", from layer {method.first_layer} up" if method.first_layer else ""
    return [
        f"- Method: {method.kind.name}{size}{layers}",
        f"- Steps: {counts['steps']}, trained tokens: {counts['trained_tokens']} of "
        f"{counts['tokens']} read",
        f"- Processes: {counts['processes']}, strategy {config.strategy.kind.name}, stack "
        f"{config.stack.name}, {counts['dtype']}",
    ]


def _data_table(
    config: FinetuneConfig, data: Sequence[SourceRows], counts: Mapping[str, Json]
) -> Iterator[str]:
    tokens = cast("dict[str, int]", counts.get("tokens_by_source", {}))
    yield "| language | source | licence | rows | share taken | tokens of the source | origin |"
    yield "|---|---|---|---:|---:|---:|---|"
    for row in data:
        yield (
            f"| {row.language} | {row.source} | {row.licence} | {row.rows} "
            f"| {config.sources[row.source]:.0%} | {tokens.get(row.source, 'not counted')} "
            f"| {row.origin or 'not stated'} |"
        )
    if mix := cast("list[dict[str, Json]]", counts.get("mix", [])):
        yield from ("", "The mix:", "")
    for item in mix:
        yield (
            f"- {item['language']} {item['source']}: {item['tokens']} tokens an epoch, "
            f"each row {item['repeats']} times"
        )


def _licences(config: FinetuneConfig, parent: Licence, of_data: Sequence[Licence]) -> Iterator[str]:
    if config.model.source is ModelSource.scratch:
        yield from ("There is no parent: the first weights came from a seed.", "")
    else:
        yield from (f"Of the parent, {_linked(parent)}:", "")
        yield from _duties(parent)
    for licence in of_data:
        yield from (f"Of data, {_linked(licence)}:", "")
        yield from _duties(licence)
    yield "This list is a reading aid made from lokal's table of licences, not legal advice."


def _linked(licence: Licence) -> str:
    return f"[{licence.name}]({licence.url})" if licence.url else licence.name


def _duties(licence: Licence) -> Iterator[str]:
    yield from (f"- {duty}" for duty in licence.duties or ["Nothing."])
    if licence.policy:
        yield f"- Acceptable use policy: <{licence.policy}>"
    yield ""


def _settings(config: FinetuneConfig) -> Iterator[str]:
    """Yield every setting that shapes the result, as it would be typed."""
    yield "```yaml"
    for name, value in as_json(config).items():
        if name not in _NOT_IN_THE_TABLE:
            yield from _typed(name, value)
    yield "```"


def _typed(name: str, value: Json) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _typed(f"{name}.{key}", item)
    elif name != "mix.folders":  # paths of this machine
        typed = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{name}: {typed}"
