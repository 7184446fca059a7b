"""A Llama decoder over documents without padding, for plain LoRA and full training on a CPU.

It uses the very modules of Transformers and PEFT and leaves them in place: names, saving and
resuming do not change, and the loss is the same.
"""

# N tokens of the batch, the prefix first; M trained positions; D hidden size; K half a head's size

from collections.abc import Sequence
from typing import cast

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm

from ..data.batches import Batch
from ..data.flat_batch import flatten
from .fused_attention import Documents
from .fused_layer import AttentionHalf, FeedForwardHalf, Norm
from .fused_linear import Adapter, FusedLinear


class FusedLlama:
    """The decoder's layers, fused; make it after the adapters are in place.

    Args:
        llama: with or without LoRA adapters.
        dtype: format of the products.
    """

    def __init__(self, llama: LlamaForCausalLM, *, dtype: torch.dtype) -> None:
        self._decoder = llama.model
        self._dtype = dtype
        self._halves = [_halves(layer, llama, dtype) for layer in _layers(llama)]
        self._linears = [
            linear
            for attention, feed in self._halves
            for linear in (attention.qkv, attention.out, feed.gate_up, feed.down)
        ]

    def target_states(self, batch: Batch) -> Tensor:
        """Return the hidden states that predict the trained tokens, after the last norm, [M, D]."""
        for linear in self._linears:
            linear.refresh()
        flat = flatten(batch)
        documents = Documents.of(
            len(batch.prefix_P), flat.lengths, dtype=self._dtype, device=flat.ids_N.device
        )
        x_ND = self._decoder.embed_tokens(flat.ids_N).to(self._dtype)
        cos_NC, sin_NC = self._decoder.rotary_emb(x_ND[None], flat.positions_N[None])
        half = cos_NC.shape[-1] // 2
        cos_NK, sin_NK = cos_NC[0, :, :half], sin_NC[0, :, :half]
        for attention, feed_forward in self._halves[:-1]:
            x_ND = feed_forward(attention(x_ND, documents, cos_NK, sin_NK))
        attention, feed_forward = self._halves[-1]
        # Nothing looks at the last layer's other tokens.
        x_MD = attention(x_ND, documents, cos_NK, sin_NK)[flat.target_at_M]
        return self._decoder.norm(feed_forward(x_MD))


def can_fuse(llama: LlamaForCausalLM) -> bool:
    """Return whether every layer is one that ``FusedLlama`` knows."""
    config = llama.config
    if config.hidden_act != "silu" or config.attention_bias or config.mlp_bias:
        return False
    return all(_is_known(module) for layer in _layers(llama) for module in _linears_of(layer))


def _layers(llama: LlamaForCausalLM) -> list[LlamaDecoderLayer]:
    return [cast("LlamaDecoderLayer", layer) for layer in llama.model.layers]


def _halves(
    layer: LlamaDecoderLayer, llama: LlamaForCausalLM, dtype: torch.dtype
) -> tuple[AttentionHalf, FeedForwardHalf]:
    config, attention, mlp = llama.config, layer.self_attn, layer.mlp
    first = AttentionHalf(
        norm=_norm(layer.input_layernorm),
        qkv=_fused([attention.q_proj, attention.k_proj, attention.v_proj], dtype),
        out=_fused([attention.o_proj], dtype),
        num_heads=config.num_attention_heads,
        num_groups=config.num_key_value_heads or config.num_attention_heads,
    )
    second = FeedForwardHalf(
        norm=_norm(layer.post_attention_layernorm),
        gate_up=_fused([mlp.gate_proj, mlp.up_proj], dtype),
        down=_fused([mlp.down_proj], dtype),
    )
    return first, second


def _norm(module: LlamaRMSNorm) -> Norm:
    return Norm(module.weight, module.variance_epsilon)


def _fused(modules: Sequence[nn.Module], dtype: torch.dtype) -> FusedLinear:
    layers = [module.base_layer if isinstance(module, LoraLinear) else module for module in modules]
    linears = [cast("nn.Linear", layer) for layer in layers]  # ``can_fuse`` has seen it
    return FusedLinear(linears, [_adapter(module) for module in modules], dtype=dtype)


def _adapter(module: nn.Module) -> Adapter | None:
    if not isinstance(module, LoraLinear):
        return None
    name = module.active_adapter[0]
    down, up = (cast("nn.Linear", half[name]) for half in (module.lora_A, module.lora_B))
    return Adapter(down.weight, up.weight, float(module.scaling[name]))


def _linears_of(layer: LlamaDecoderLayer) -> list[nn.Module]:
    attention, mlp = layer.self_attn, layer.mlp
    return [
        attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj,
        mlp.gate_proj, mlp.up_proj, mlp.down_proj,
    ]  # fmt: skip


def _is_known(module: nn.Module) -> bool:
    """Return whether it is a linear layer, bare or with one plain LoRA adapter without dropout."""
    if type(module) is nn.Linear:
        return module.bias is None
    if not isinstance(module, LoraLinear) or type(module.base_layer) is not nn.Linear:
        return False
    return (
        len(module.active_adapters) == 1
        and not module.lora_variant
        and all(isinstance(dropout, nn.Identity) for dropout in module.lora_dropout.values())
        and not any(module.lora_bias.values())
    )
