"""What ``stack=torchtune`` writes: folders as PEFT and Transformers write them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import save_torch_state_dict
from torch import Tensor
from transformers import LlamaConfig

from .adapter_file import PEFT_PREFIX, lora_config, write_adapter
from .original_base import transformers_base
from .settings import MethodConfig
from .token_weights import TokenWeights
from .torchtune_compat import tune_to_hf, tune_to_peft_adapter_weights
from .torchtune_decoder import converter_shape


def save_adapter(
    target: Path,
    values: Mapping[str, Tensor],
    config: LlamaConfig,
    method: MethodConfig,
    *,
    chosen: TokenWeights,
    base: Path,
) -> None:
    """Write the adapter, and a trained embedding or head, as PEFT does."""
    shape = converter_shape(config)
    whole = {
        _tune_name(name): value
        for name, value in values.items()
        if name in ("tok_embeddings.weight", "head.weight")
    }
    parts = {
        name: _in_order_of_hf(value, config, name=name) if name.endswith(".magnitude") else value
        for name, value in values.items()
        if _tune_name(name) not in whole
    }
    tensors = tune_to_peft_adapter_weights(parts, **shape) | {
        PEFT_PREFIX + name: value for name, value in tune_to_hf(whole, **shape).items()
    }
    peft_config = lora_config(method, num_layers=config.num_hidden_layers)
    write_adapter(target, tensors, peft_config, chosen=chosen, base=transformers_base(base))


def save_full(
    target: Path,
    values: Mapping[str, Tensor],
    config: LlamaConfig,
    *,
    chosen: TokenWeights,
    base: Path,
) -> None:
    """Write the whole model as Transformers does."""
    whole = {_tune_name(name): value for name, value in values.items()}
    save_torch_state_dict(tune_to_hf(whole, **converter_shape(config)), target)
    config.tie_word_embeddings = chosen.is_tied
    config.architectures = ["LlamaForCausalLM"]
    config.dtype = "float32"
    config.save_pretrained(str(target))
    generation = base / "generation_config.json"
    if generation.is_file():
        shutil.copy(generation, target)


def _tune_name(name: str) -> str:
    return "output.weight" if name == "head.weight" else name


def _in_order_of_hf(magnitude: Tensor, config: LlamaConfig, *, name: str) -> Tensor:
    """Return a DoRA length for each row in Transformers' order of rows.

    torchtune's converter permutes the rows of q's and k's adapters, and leaves the lengths that
    belong to these rows where they are (0.6.1).
    """
    if "q_proj" not in name and "k_proj" not in name:
        return magnitude
    half = converter_shape(config)["head_dim"] // 2
    return magnitude.view(-1, half, 2).transpose(1, 2).flatten()
