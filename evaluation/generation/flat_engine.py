"""The states that replies come from, on a CPU: no padding, and no copy of what was read.

Prompts are read as one tree of tokens (``likelihood/flat_llama.py``), then each reply grows in its
own place: Transformers' cache is copied at every step, and once more for grouped heads.
"""

# B replies, K places of the longest, G key-value heads, R query heads of a group, C size of a head
# D hidden size

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from ..likelihood.flat_llama import FlatLlama, KeyValues, feed_forward, query_key_value, rotary
from ..likelihood.product import product
from ..likelihood.token_tree import TokenTree

_ROOM = 64
"""Places by which the memory of the replies grows."""


class _Memory(NamedTuple):
    """What a layer keeps of all replies."""

    key_BGKC: Tensor
    value_BGKC: Tensor


class FlatEngine:
    """Computes replies on a CPU, for models that ``can_flatten`` names."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self._model = model.model
        self._flat = FlatLlama(model)
        self._memory: list[_Memory] = []
        self._lengths_B = torch.empty(0, dtype=torch.long)

    def start(self, prompts: Sequence[Sequence[int]], *, num_prefix: int) -> Tensor:
        """Return the state behind each prompt, [B, D]; what was read before is forgotten."""
        self._memory = []
        tree = TokenTree.of(prompts, num_prefix=num_prefix)
        kept: list[KeyValues] = []
        ends_B = torch.tensor([path[-1] for path in tree.places])
        hidden_BD = self._flat.states(tree, ends_B, kept=kept)
        self._lengths_B = torch.tensor([len(ids) for ids in prompts])
        longest = max(len(path) for path in tree.places)
        paths_BK = torch.tensor(
            [[*path, *[0] * (longest - len(path) + _ROOM)] for path in tree.places]
        )
        before = self._flat.prefix
        for number, (key_NGC, value_NGC) in enumerate(kept):
            past = before[number] if before else None
            self._memory.append(
                _Memory(
                    _gather(key_NGC, paths_BK, past.key_NGC if past else None),
                    _gather(value_NGC, paths_BK, past.value_NGC if past else None),
                )
            )
        return hidden_BD

    def step(self, tokens_B: Tensor) -> Tensor:
        """Return the state behind one more token of each reply, [B, D]."""
        num_keys = int(self._lengths_B.max()) + 1
        if num_keys > self._memory[0].key_BGKC.shape[2]:
            self._memory = [_Memory(*map(_with_room, memory)) for memory in self._memory]
        x_BD = self._model.embed_tokens(tokens_B)
        cos_B1C, sin_B1C = rotary(self._model, x_BD, self._lengths_B)
        hides_B1K = torch.zeros(len(tokens_B), 1, num_keys, dtype=x_BD.dtype).masked_fill_(
            torch.arange(num_keys) > self._lengths_B[:, None, None], -torch.inf
        )
        for layer, memory in zip(self._flat.layers, self._memory, strict=True):
            query_BQC, new = query_key_value(layer, x_BD, cos_B1C, sin_B1C)
            rows = torch.arange(len(tokens_B))
            memory.key_BGKC[rows, :, self._lengths_B] = new.key_NGC
            memory.value_BGKC[rows, :, self._lengths_B] = new.value_NGC
            read_BD = _attend(query_BQC, memory, hides_B1K)
            x_BD = feed_forward(layer, x_BD + product(read_BD, layer.self_attn.o_proj.weight))
        self._lengths_B = self._lengths_B + 1
        return self._flat.norm(x_BD)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these replies alone, in this order."""
        chosen = torch.tensor(rows)
        self._lengths_B = self._lengths_B[chosen]
        self._memory = [
            _Memory(memory.key_BGKC[chosen], memory.value_BGKC[chosen]) for memory in self._memory
        ]


def _gather(own_NGC: Tensor, paths_BK: Tensor, past_PGC: Tensor | None) -> Tensor:
    """Return each prompt's keys or values with room behind them, the common prefix first."""
    own_BGKC = own_NGC[paths_BK].transpose(1, 2)
    if past_PGC is None:
        return own_BGKC.contiguous()
    past_BGPC = past_PGC.transpose(0, 1).expand(len(paths_BK), -1, -1, -1)
    return torch.cat([past_BGPC, own_BGKC], dim=2)


def _with_room(memory_BGKC: Tensor) -> Tensor:
    """Return a copy with half as much room again, so that a long reply is seldom copied."""
    num, groups, places, size = memory_BGKC.shape
    wider = memory_BGKC.new_zeros(num, groups, places + max(_ROOM, places // 2), size)
    wider[:, :, :places] = memory_BGKC
    return wider


def _attend(query_BQC: Tensor, memory: _Memory, hides_B1K: Tensor) -> Tensor:
    """Return what each reply's newest token reads, [B, Q x C]."""
    num, groups, places, size = memory.key_BGKC.shape
    num_keys = hides_B1K.shape[-1]
    query_NRC = (query_BQC * size**-0.5).view(num * groups, -1, size)
    key_NKC = memory.key_BGKC.view(num * groups, places, size)[:, :num_keys]
    value_NKC = memory.value_BGKC.view(num * groups, places, size)[:, :num_keys]
    scores_NRK = torch.bmm(query_NRC, key_NKC.transpose(1, 2))
    scores_NRK.view(num, -1, num_keys).add_(hides_B1K)
    read_NRC = torch.bmm(torch.softmax(scores_NRK, -1), value_NKC)
    return read_NRC.view(num, -1)
