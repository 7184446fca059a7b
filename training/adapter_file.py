"""An adapter as PEFT writes and opens it: ``adapter_config.json`` and its weights."""

import json
from collections.abc import Mapping
from pathlib import Path

from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor

from ..data.manifest import write_json
from .settings import MethodConfig, MethodKind
from .token_weights import TokenWeights

PEFT_PREFIX = "base_model.model."
"""What PEFT puts before the names of the model that it wraps."""
_EMBEDDING = f"{PEFT_PREFIX}model.embed_tokens.weight"
_HEAD = f"{PEFT_PREFIX}lm_head.weight"


def lora_config(method: MethodConfig, *, num_layers: int) -> LoraConfig:
    """Return the method's adapter as PEFT describes it."""
    return LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=list(method.targets),
        layers_to_transform=list(range(method.first_layer, num_layers)),
        use_dora=method.kind is MethodKind.dora,
        task_type="CAUSAL_LM",
    )


def write_adapter(
    target: Path,
    tensors: Mapping[str, Tensor],
    config: LoraConfig,
    *,
    chosen: TokenWeights,
    base: Path,
) -> None:
    """Write the adapter's folder.

    Args:
        tensors: by PEFT's names; a trained embedding or head stands under the name that it has in
            Transformers behind PEFT's prefix.
        chosen: PEFT puts these in the place of the base model's own.
        base: the checkpoint below the adapter.
    """
    parts = {"embed_tokens": chosen.embedding, "lm_head": chosen.head and not chosen.is_tied}
    config.modules_to_save = [name for name, on in parts.items() if on] or None
    # Without it PEFT trains the embedding apart from the head, and a merge keeps only one of them.
    config.ensure_weight_tying = chosen.is_tied and chosen.embedding
    config.base_model_name_or_path = str(base.resolve())
    config.inference_mode = True
    config.save_pretrained(str(target))
    plain = {name: value.cpu().contiguous() for name, value in tensors.items()}
    if config.ensure_weight_tying:
        # PEFT ties the two again when it opens the adapter, but looks for both in the file.
        plain[_HEAD] = plain[_EMBEDDING].clone()
    save_file(plain, target / "adapter_model.safetensors", metadata={"format": "pt"})


def order_adapter_config(folder: Path) -> None:
    """Sort the lists of names in an adapter folder, so that equal runs give equal bytes."""
    path = folder / "adapter_config.json"
    if not path.is_file():
        return
    content = json.loads(path.read_text(encoding="utf-8"))
    write_json(
        path,
        {
            key: sorted(value) if isinstance(value, list) else value
            for key, value in sorted(content.items())
        },
    )
