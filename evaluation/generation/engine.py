"""What computes the states that replies come from: any device, by Transformers."""

# B prompts, T tokens of the longest, K keys, H hidden size

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaForCausalLM


class Engine(Protocol):
    """Reads prompts, then their replies token by token."""

    def start(self, prompts: Sequence[Sequence[int]], *, num_prefix: int) -> Tensor:
        """Return the state behind each prompt, [B, H]; what was read before is forgotten.

        Args:
            num_prefix: so many first tokens are the same in all prompts.
        """
        ...

    def step(self, tokens_B: Tensor) -> Tensor:
        """Return the state behind one more token of each reply, [B, H]."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these replies alone, in this order."""
        ...


class TransformersEngine:
    """Prompts padded on the right, where no real token sees the padding; the usual cache."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self._model = model
        self._cache = DynamicCache(config=model.config)
        self._sees_BK = torch.empty(0, 0, dtype=torch.bool)
        self._lengths_B = torch.empty(0, dtype=torch.long)

    def start(self, prompts: Sequence[Sequence[int]], *, num_prefix: int) -> Tensor:
        """Return the state behind each prompt, [B, H]; a common prefix is computed with each."""
        del num_prefix
        self._cache = DynamicCache(config=self._model.config)
        longest = max(map(len, prompts))
        ids_BT = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in prompts])
        self._lengths_B = torch.tensor([len(ids) for ids in prompts])
        self._sees_BK = torch.arange(longest)[None] < self._lengths_B[:, None]
        output = self._model.model(
            input_ids=ids_BT.to(self._model.device), past_key_values=self._cache, use_cache=True
        )
        return output.last_hidden_state[torch.arange(len(prompts)), self._lengths_B - 1]

    def step(self, tokens_B: Tensor) -> Tensor:
        """Return the state behind one more token of each reply, [B, H]."""
        device = self._model.device
        seen_B1 = torch.ones(len(tokens_B), 1, dtype=torch.bool)
        self._sees_BK = torch.cat([self._sees_BK, seen_B1], dim=1)
        output = self._model.model(
            input_ids=tokens_B[:, None].to(device),
            position_ids=self._lengths_B[:, None].to(device),
            attention_mask=self._sees_BK[:, None, None].to(device),
            past_key_values=self._cache,
            use_cache=True,
        )
        self._lengths_B = self._lengths_B + 1
        return output.last_hidden_state[:, 0]

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these replies alone, in this order."""
        chosen = torch.tensor(rows)
        self._cache.batch_select_indices(chosen.to(self._model.device))
        self._sees_BK, self._lengths_B = self._sees_BK[chosen], self._lengths_B[chosen]
