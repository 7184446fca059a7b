"""The hidden states of a token tree, computed by Transformers: any device, any kind of Llama."""

# N tokens of the tree, P tokens of the prefix, S states asked for, H hidden size

import copy
from typing import Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaForCausalLM

from .token_tree import TokenTree


class Decoder(Protocol):
    """Computes trees; what their prefix leaves behind is kept until another prefix comes."""

    def states(self, tree: TokenTree, at_S: Tensor) -> Tensor:
        """Return the states behind some tokens of the tree, after the last norm, [S, H]."""
        ...


class TransformersDecoder:
    """The tree as one row with a mask, behind the cached keys of its prefix."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self._model = model
        self._prefix_ids: tuple[int, ...] = ()
        self._prefix = DynamicCache(config=model.config)

    def states(self, tree: TokenTree, at_S: Tensor) -> Tensor:
        """Return the states behind some tokens of the tree, after the last norm, [S, H]."""
        if tree.prefix_ids != self._prefix_ids:
            self._remember(tree.prefix_ids)
        device, num_tokens = self._model.device, len(tree.ids)
        sees_NK = torch.ones(num_tokens, len(tree.prefix_ids) + num_tokens, dtype=torch.bool)
        sees_NK[:, len(tree.prefix_ids) :] = tree.sees_TT(0, num_tokens)
        output = self._model.model(
            input_ids=torch.tensor([tree.ids], device=device),
            position_ids=tree.positions_N()[None].to(device),
            attention_mask=sees_NK[None, None].to(device),
            past_key_values=fork(self._prefix),
            use_cache=True,
        )
        return output.last_hidden_state[0, at_S.to(device)]

    def _remember(self, prefix_ids: tuple[int, ...]) -> None:
        cache = DynamicCache(config=self._model.config)
        self._prefix_ids, self._prefix = (), cache  # what was kept is freed first
        if prefix_ids:
            ids = torch.tensor([prefix_ids], device=self._model.device)
            self._model.model(input_ids=ids, past_key_values=cache, use_cache=True)
        self._prefix_ids = prefix_ids


def fork(cache: DynamicCache) -> DynamicCache:
    """Return a cache that grows apart from the given one; what is cached is not copied."""
    result = copy.copy(cache)
    result.layers = [copy.copy(layer) for layer in cache.layers]
    return result
