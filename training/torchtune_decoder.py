"""A Llama's decoder of torchtune's building blocks, as a Transformers config describes it."""

from pathlib import Path
from typing import cast

import torch
from torch import nn
from transformers import LlamaConfig

from ..data.errors import UserError
from .settings import MethodConfig, MethodKind
from .torchtune_compat import (
    DoRALinear,
    FeedForward,
    Llama3ScaledRoPE,
    LoRALinear,
    MultiHeadAttention,
    RMSNorm,
    RotaryPositionalEmbeddings,
    TransformerDecoder,
    TransformerSelfAttentionLayer,
)
from .torchtune_four_bit import FourBitLinear

MODULE_OF_TARGET = {
    "q_proj": "attn.q_proj",
    "k_proj": "attn.k_proj",
    "v_proj": "attn.v_proj",
    "o_proj": "attn.output_proj",
    "gate_proj": "mlp.w1",
    "up_proj": "mlp.w3",
    "down_proj": "mlp.w2",
}
"""Transformers' names in the order of its modules, in which PEFT draws the adapters' values."""


def build_decoder(config: LlamaConfig, method: MethodConfig, folder: Path) -> TransformerDecoder:
    """Return the decoder without values (meta) and without its head: it gives hidden states.

    Args:
        folder: named in errors.

    Raises:
        UserError: torchtune does not know how this model scales its positions.
    """
    rope = _build_rope(config, folder)
    with torch.device("meta"):
        return TransformerDecoder(
            tok_embeddings=nn.Embedding(config.vocab_size, config.hidden_size),
            layers=[
                _build_layer(
                    config, method, rope, targets=method.targets if n >= method.first_layer else []
                )
                for n in range(config.num_hidden_layers)
            ],
            max_seq_len=config.max_position_embeddings,
            num_heads=config.num_attention_heads,
            head_dim=_head_dim(config),
            norm=RMSNorm(config.hidden_size, eps=config.rms_norm_eps),
            output=nn.Identity(),
        )


def _build_rope(config: LlamaConfig, folder: Path) -> RotaryPositionalEmbeddings | Llama3ScaledRoPE:
    """Return the position embedding, which all layers share.

    Raises:
        UserError: torchtune does not know this scaling.
    """
    # torchtune's signatures say int; its formulas take Llama's floats just as well.
    rope = cast("dict[str, int]", config.rope_parameters)
    kind = str(rope["rope_type"])
    if kind == "default":
        return RotaryPositionalEmbeddings(
            _head_dim(config), config.max_position_embeddings, base=rope["rope_theta"]
        )
    if kind == "llama3":
        return Llama3ScaledRoPE(
            _head_dim(config),
            config.max_position_embeddings,
            base=rope["rope_theta"],
            scale_factor=rope["factor"],
            low_freq_factor=rope["low_freq_factor"],
            high_freq_factor=rope["high_freq_factor"],
            old_context_len=rope["original_max_position_embeddings"],
        )
    raise UserError(
        f"{folder} scales its positions by {kind!r}; stack=torchtune knows default and llama3: "
        "choose stack=hf"
    )


def _build_layer(
    config: LlamaConfig, method: MethodConfig, rope: nn.Module, *, targets: list[str]
) -> TransformerSelfAttentionLayer:
    def linear(name: str, inputs: int, outputs: int) -> nn.Module:
        if name not in targets:
            kind = FourBitLinear if method.kind is MethodKind.qlora else nn.Linear
            return kind(inputs, outputs, bias=False)
        kind = DoRALinear if method.kind is MethodKind.dora else LoRALinear
        return kind(inputs, outputs, rank=method.rank, alpha=method.alpha, dropout=method.dropout)

    hidden, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * _head_dim(config)
    keys = _num_kv_heads(config) * _head_dim(config)
    attention = MultiHeadAttention(
        embed_dim=hidden,
        num_heads=config.num_attention_heads,
        num_kv_heads=_num_kv_heads(config),
        head_dim=_head_dim(config),
        q_proj=linear("q_proj", hidden, queries),
        k_proj=linear("k_proj", hidden, keys),
        v_proj=linear("v_proj", hidden, keys),
        output_proj=linear("o_proj", queries, hidden),
        pos_embeddings=rope,
        max_seq_len=config.max_position_embeddings,
        attn_dropout=config.attention_dropout or 0.0,
    )
    return TransformerSelfAttentionLayer(
        attn=attention,
        mlp=FeedForward(
            gate_proj=linear("gate_proj", hidden, inner),
            down_proj=linear("down_proj", inner, hidden),
            up_proj=linear("up_proj", hidden, inner),
        ),
        sa_norm=RMSNorm(hidden, eps=config.rms_norm_eps),
        mlp_norm=RMSNorm(hidden, eps=config.rms_norm_eps),
    )


def converter_shape(config: LlamaConfig) -> dict[str, int]:
    """Return what torchtune's converters ask for."""
    return {
        "num_heads": config.num_attention_heads,
        "num_kv_heads": _num_kv_heads(config),
        "dim": config.hidden_size,
        "head_dim": _head_dim(config),
    }


def _head_dim(config: LlamaConfig) -> int:
    return config.head_dim or config.hidden_size // config.num_attention_heads


def _num_kv_heads(config: LlamaConfig) -> int:
    return config.num_key_value_heads or config.num_attention_heads
