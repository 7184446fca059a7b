"""The hidden states of a token tree on a CPU: Llama's layers over one row without padding.

It reads the modules of Transformers and leaves them as they are. ``training`` has layers of the
same kind, whose worth is their way back; here nothing goes back, and the tokens form a tree.
"""

# N tokens of the row, P of the prefix, K = P and more that a block sees, T tokens of a block
# S states asked for, D hidden size, G key-value heads, Q query heads, C size of a head

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaModel

from .product import product
from .token_tree import Block, TokenTree

_ROPES = {"default", "linear", "llama3", "yarn"}  # the others depend on the longest row


class KeyValues(NamedTuple):
    """What a layer keeps of some tokens."""

    key_NGC: Tensor
    value_NGC: Tensor


class _Row(NamedTuple):
    """The row's layout, the same for every layer."""

    blocks: Sequence[Block]
    bias: Sequence[Tensor]
    """Of each block: 0 where a token sees another of it, -inf elsewhere, [T, T]."""
    cos_N1C: Tensor
    sin_N1C: Tensor


class FlatLlama:
    """Computes trees on a CPU; see ``can_flatten``."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self._model = model.model
        self.layers = [cast("LlamaDecoderLayer", layer) for layer in model.model.layers]
        self._prefix_ids: tuple[int, ...] = ()
        self.prefix: list[KeyValues] = []
        """What each layer keeps of the prefix; empty where there is none."""

    def states(
        self, tree: TokenTree, at_S: Tensor, *, kept: list[KeyValues] | None = None
    ) -> Tensor:
        """Return the states behind some tokens of the tree, after the last norm, [S, D].

        Args:
            kept: gets what each layer would keep of the tree's tokens.
        """
        if tree.prefix_ids != self._prefix_ids:
            self._remember(tree.prefix_ids)
        x_ND, row = self._embed(tree)
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            past = self.prefix[number] if self.prefix else None
            query_NQC, new = query_key_value(layer, x_ND, row.cos_N1C, row.sin_N1C)
            if kept is not None:
                kept.append(new)
            read_ND = _attend(query_NQC, new, past, row)
            if number == last:  # nothing looks at the last layer's other tokens
                x_ND, read_ND = x_ND[at_S], read_ND[at_S]
            x_ND = feed_forward(layer, x_ND + product(read_ND, layer.self_attn.o_proj.weight))
        return self.norm(x_ND)

    def norm(self, x_ND: Tensor) -> Tensor:
        """Return the states after the last norm."""
        return _norm(self._model.norm, x_ND)

    def _remember(self, prefix_ids: tuple[int, ...]) -> None:
        """Keep the keys and values of a prefix."""
        self._prefix_ids, self.prefix = (), []  # what was kept is freed first
        kept: list[KeyValues] = []
        if prefix_ids:
            x_ND, row = self._embed(TokenTree.of([prefix_ids]))
            for layer in self.layers:
                query_NQC, new = query_key_value(layer, x_ND, row.cos_N1C, row.sin_N1C)
                kept.append(new)
                if len(kept) < len(self.layers):
                    read_ND = _attend(query_NQC, new, None, row)
                    x_ND = feed_forward(
                        layer, x_ND + product(read_ND, layer.self_attn.o_proj.weight)
                    )
        self._prefix_ids, self.prefix = prefix_ids, kept

    def _embed(self, tree: TokenTree) -> tuple[Tensor, _Row]:
        x_ND = self._model.embed_tokens(torch.tensor(tree.ids))
        cos_N1C, sin_N1C = rotary(self._model, x_ND, tree.positions_N())
        blocks = tree.blocks()
        sees = [tree.sees_TT(block.start, block.end) for block in blocks]
        bias = [torch.zeros(sees_TT.shape).masked_fill_(~sees_TT, -torch.inf) for sees_TT in sees]
        return x_ND, _Row(blocks, bias, cos_N1C, sin_N1C)


def can_flatten(model: LlamaForCausalLM) -> bool:
    """Return whether the model is on a CPU, and every layer one that ``FlatLlama`` knows."""
    config = model.config
    if model.device.type != "cpu" or model.dtype not in (torch.float32, torch.bfloat16):
        return False
    if config.hidden_act != "silu" or config.attention_bias or config.mlp_bias:
        return False
    linears = [module for layer in model.model.layers for module in _linears_of(layer)]
    return model.model.rotary_emb.rope_type in _ROPES and all(
        type(module) is nn.Linear for module in linears
    )


def _linears_of(layer: nn.Module) -> list[nn.Module]:
    return [module for name, module in layer.named_modules() if name.endswith("_proj")]


def _norm(module: nn.Module, x_ND: Tensor) -> Tensor:
    weight, eps = cast("Tensor", module.weight), cast("float", module.variance_epsilon)
    return functional.rms_norm(x_ND, weight.shape, weight, eps)


def rotary(model: LlamaModel, x_ND: Tensor, positions_N: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the positions, [N, 1, C]."""
    cos_1NC, sin_1NC = model.rotary_emb(x_ND[None], positions_N[None])
    return cos_1NC[0, :, None], sin_1NC[0, :, None]


def query_key_value(
    layer: LlamaDecoderLayer, x_ND: Tensor, cos_N1C: Tensor, sin_N1C: Tensor
) -> tuple[Tensor, KeyValues]:
    """Return the layer's turned queries, [N, Q, C], and its keys and values."""
    attention = layer.self_attn
    normed_ND = _norm(layer.input_layernorm, x_ND)
    shape = (len(x_ND), -1, attention.head_dim)
    query_NQC = _rotate(product(normed_ND, attention.q_proj.weight).view(shape), cos_N1C, sin_N1C)
    key_NGC = _rotate(product(normed_ND, attention.k_proj.weight).view(shape), cos_N1C, sin_N1C)
    return query_NQC, KeyValues(key_NGC, product(normed_ND, attention.v_proj.weight).view(shape))


def _rotate(x_NHC: Tensor, cos_N1C: Tensor, sin_N1C: Tensor) -> Tensor:
    """Return the heads turned by their positions (rotary embedding)."""
    half = x_NHC.shape[-1] // 2
    swapped_NHC = torch.cat([-x_NHC[..., half:], x_NHC[..., :half]], -1)
    return torch.addcmul(x_NHC * cos_N1C, swapped_NHC, sin_N1C)


def _attend(query_NQC: Tensor, new: KeyValues, past: KeyValues | None, row: _Row) -> Tensor:
    """Return what each token reads, [N, Q x C].

    Computed in fp32 whatever the model's format, as Transformers' kernels do inside: with oneDNN
    it takes a fifth longer than bf16, which would round the scores before the softmax.
    """
    size, num_groups = query_NQC.shape[-1], new.key_NGC.shape[1]
    query_NGHC = (query_NQC.float() * size**-0.5).unflatten(1, (num_groups, -1))
    read_NGHC = torch.empty_like(query_NGHC, dtype=query_NQC.dtype)
    for block, bias_TT in zip(row.blocks, row.bias, strict=True):
        own, num_tokens = slice(block.start, block.end), block.end - block.start
        key_KGC = _seen(new.key_NGC, past.key_NGC if past else None, block)
        value_KGC = _seen(new.value_NGC, past.value_NGC if past else None, block)
        # oneDNN reads a weight with gaps 1,000 times slower.
        key_GKC = key_KGC.transpose(0, 1).contiguous()
        value_GCK = value_KGC.permute(1, 2, 0).contiguous()
        query_GMC = query_NGHC[own].transpose(0, 1).flatten(1, 2)  # M: the tokens' own heads
        for group, (key_KC, value_CK) in enumerate(zip(key_GKC, value_GCK, strict=True)):
            scores_MK = product(query_GMC[group], key_KC)
            scores_THK = scores_MK.view(num_tokens, -1, scores_MK.shape[-1])
            scores_THK[..., -num_tokens:] += bias_TT[:, None]
            weights_MK = torch.softmax(scores_MK, -1)
            read_NGHC[own, group] = product(weights_MK, value_CK).view(num_tokens, -1, size)
    return read_NGHC.flatten(1)


def _seen(new_NGC: Tensor, past_PGC: Tensor | None, block: Block) -> Tensor:
    """Return what a block sees, prefix first and itself last, in fp32, [K, G, C]."""
    parts = [new_NGC[start:end] for start, end in (*block.sees, (block.start, block.end))]
    if past_PGC is not None:
        parts.insert(0, past_PGC)
    return (torch.cat(parts) if len(parts) > 1 else parts[0]).float()


def feed_forward(layer: LlamaDecoderLayer, x_ND: Tensor) -> Tensor:
    """Return the tokens with what the feed-forward half adds."""
    mlp = layer.mlp
    normed_ND = _norm(layer.post_attention_layernorm, x_ND)
    gate_NF = functional.silu(product(normed_ND, mlp.gate_proj.weight), inplace=True)
    gated_NF = gate_NF.mul_(product(normed_ND, mlp.up_proj.weight))
    return product(gated_NF, mlp.down_proj.weight).add_(x_ND)
