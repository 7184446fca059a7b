"""A Llama whose weights come late: after a strategy has split it, each process reads its own rows.

Until then the weights are on PyTorch's meta device and take no memory. Adapters are made beside
them with the first values that they get beside real weights.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from ..data.errors import UserError
from .shard_file import load_shards, local_part

_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"


def hollow_llama(folder: Path, *, dtype: torch.dtype, attention: str) -> LlamaForCausalLM:
    """Return the folder's Llama; each weight is one zero that is seen at all its places.

    Beside such a weight PEFT makes an adapter on the CPU, where a meta weight would take it along.
    """
    config = LlamaConfig.from_pretrained(folder)
    with torch.device("meta"):
        llama = LlamaForCausalLM._from_config(config, dtype=dtype, attn_implementation=attention)
    llama.model.rotary_emb = LlamaRotaryEmbedding(config)
    if (folder / "generation_config.json").is_file():
        llama.generation_config = GenerationConfig.from_pretrained(folder)
    _replace(llama, lambda weight: torch.zeros((), dtype=weight.dtype).expand(weight.shape))
    return llama.eval()


def leave_out_weights(llama: LlamaForCausalLM) -> None:
    """Move all but the adapters to the meta device, so that a strategy splits shapes alone."""
    _replace(llama, lambda weight: weight.to("meta"))


@torch.no_grad()
def fill_weights(
    llama: LlamaForCausalLM, folder: Path, dtype: torch.dtype, device: torch.device
) -> None:
    """Read this process's rows of each weight that was left out.

    Args:
        llama: split or not.
        folder: the checkpoint, in safetensors.
        dtype: format that the weights are read in, also those that are kept in fp32 to be trained.
        device: where this process keeps its rows.

    Raises:
        UserError: the checkpoint lacks a weight.
    """
    is_tied = llama.lm_head.weight is llama.model.embed_tokens.weight
    for module in llama.modules():
        if any(weight.is_meta for weight in module.parameters(recurse=False)):
            module.to_empty(device=device, recurse=False)
    if is_tied:
        llama.lm_head.weight = llama.model.embed_tokens.weight
    weights = {
        name.replace(".base_layer.", "."): weight.detach()
        for name, weight in llama.named_parameters()
        if not _is_adapters(name)
    }
    found = load_shards(_files(folder), weights)
    if _HEAD in weights and _HEAD not in found:  # made a matrix of its own, it begins as the other
        load_shards(_files(folder), {_EMBEDDING: weights[_HEAD]})
        found.add(_HEAD)
    if missing := sorted(weights.keys() - found):
        raise UserError(f"{folder} lacks the weight {missing[0]}: fetch or convert it again")
    for weight in map(local_part, weights.values()):
        weight.copy_(weight.to(dtype))
    _measure_rows(llama)


def _replace(llama: LlamaForCausalLM, make: Callable[[Tensor], Tensor]) -> None:
    """Put other tensors in the place of the weights that are not adapters'; tied ones stay one."""
    made: dict[int, nn.Parameter] = {}
    for prefix, module in llama.named_modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if _is_adapters(f"{prefix}.{name}"):
                continue
            new = nn.Parameter(make(weight.detach()), requires_grad=weight.requires_grad)
            setattr(module, name, made.setdefault(id(weight), new))


def _measure_rows(llama: LlamaForCausalLM) -> None:
    """Give DoRA's magnitudes their first values: the lengths of the weights' rows."""
    for module in llama.modules():
        if isinstance(module, LoraLinear) and "default" in module.lora_magnitude_vector:
            lengths = module.lora_magnitude_vector["default"].get_parameter("weight")
            weight = module.base_layer.get_parameter("weight")
            local_part(lengths).copy_(torch.linalg.norm(local_part(weight), dim=1))


def _is_adapters(name: str) -> bool:
    return ".lora_" in name


def _files(folder: Path) -> list[Path]:
    whole = folder / "model.safetensors"
    return [whole] if whole.is_file() else sorted(folder.glob("model-*.safetensors"))
