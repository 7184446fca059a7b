"""The model card: what was trained from what, under which licences."""

from collections.abc import Mapping, Sequence
from typing import cast

from ..data.manifest import Json
from .finetune_config import FinetuneConfig


def model_card(
    config: FinetuneConfig, *, counts: Mapping[str, Json], licences: Sequence[str]
) -> str:
    """Return the card as Markdown with the front matter that the Hub reads."""
    method = config.method
    size = f", rank {method.rank}, alpha {method.alpha}" if method.targets else ""
    sources = "\n".join(_source_lines(config, counts))
    return f"""---
language: {config.region.code}
base_model: {config.model.path}
tags: [lokal, {method.kind.name}]
---
# {config.model.label} for {config.region.name}

Fine-tuned for {config.region.name} ({config.region.native_name}) with `lokal finetune`.

- Method: {method.kind.name}{size}, from layer {method.first_layer} up
- Steps: {counts["steps"]}, trained tokens: {counts["trained_tokens"]} of {counts["tokens"]} read
- Loss: {counts["first_loss"]:.4f} at the first step, {counts["last_loss"]:.4f} at the last
- Licence of the parent: {config.model.licence or "not stated"}
- Licences of the data: {", ".join(licences) or "not stated"}
- Not evaluated for safety.

## Data

{sources}

Hashes, settings and package versions stand in `manifest.json`.
"""


def _source_lines(config: FinetuneConfig, counts: Mapping[str, Json]) -> list[str]:
    mix = cast("list[dict[str, Json]]", counts.get("mix", []))
    if not mix:
        return [f"- {name} (share {share:g})" for name, share in config.sources.items()]
    return [
        f"- {item['language']} {item['source']}: {item['tokens']} tokens an epoch, "
        f"each row {item['repeats']} times"
        for item in mix
    ]
