"""Replies to many prompts at once: the likeliest token each time, or drawn ones.

How to call it::

    generator = Generator(model, end_ids=[2], max_new_tokens=64)
    for batch in plan_replies(prompts, max_new_tokens=64, batch_tokens=16_384):
        replies = generator.generate([prompts[index] for index in batch.members],
                                     num_prefix=batch.num_prefix)

A prompt's reply does not depend on the prompts beside it beyond rounding; drawn ones have a seed
of their own.
"""

# B replies, H hidden size, V vocabulary

import random
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from ..halving import compute_halved
from ..likelihood.flat_llama import can_flatten
from ..likelihood.plan import Batch, with_prefixes
from ..likelihood.product import product
from .engine import Engine, TransformersEngine
from .flat_engine import FlatEngine

_HEAD_ROWS = 256  # 256 x 128k vocabulary in fp32 is 131 MB
_FULL_ENOUGH = 0.75
"""Replies that have ended are computed on with until so few of a batch are left."""


class Generated(NamedTuple):
    """One reply as token ids."""

    ids: list[int]
    """Without its end token."""
    ended: bool
    """False where it was cut at the longest length."""


class Task(NamedTuple):
    """One prompt, and what its draws begin with."""

    ids: Sequence[int]
    seed: int = 0


def plan_replies(
    prompts: Sequence[Sequence[int]], *, max_new_tokens: int, batch_tokens: int
) -> list[Batch]:
    """Return batches that hold at most ``batch_tokens`` tokens of prompts and replies together.

    Each reply keeps its prompt for itself; only the way there is shared. A longer one stands alone.
    """
    order = sorted(range(len(prompts)), key=lambda index: (list(prompts[index]), index))
    members: list[list[int]] = []
    held = 0
    for index in order:
        cost = len(prompts[index]) + max_new_tokens
        if not members or held + cost > batch_tokens:
            members.append([])
            held = 0
        members[-1].append(index)
        held += cost
    return with_prefixes(members, prompts)


class Generator:
    """Answers prompts with one checkpoint.

    Args:
        model: in evaluation mode, with the sdpa attention.
        end_ids: tokens that end a reply.
        max_new_tokens: longest reply, its end token included.
        temperature: 0 for the likeliest token; above, tokens are drawn.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        *,
        end_ids: Sequence[int],
        max_new_tokens: int,
        temperature: float = 0.0,
    ) -> None:
        self._head = model.lm_head
        self._end_ids = frozenset(end_ids)
        self._max_new_tokens = max_new_tokens
        self._temperature = temperature
        self._engine: Engine = (
            FlatEngine(model) if can_flatten(model) else TransformersEngine(model)
        )

    def generate(self, tasks: Sequence[Task], *, num_prefix: int = 0) -> list[Generated]:
        """Return the reply to each prompt; a batch that memory does not hold is halved."""
        return compute_halved(partial(self._generate, num_prefix=num_prefix), tasks)

    @torch.inference_mode()
    def _generate(self, tasks: Sequence[Task], *, num_prefix: int) -> list[Generated]:
        draws = [random.Random(task.seed) for task in tasks]
        replies: list[list[int]] = [[] for _ in tasks]
        rows = list(range(len(tasks)))
        """The reply that each row of the engine belongs to."""
        hidden_BH = self._engine.start([task.ids for task in tasks], num_prefix=num_prefix)
        while True:
            tokens_B = self._choose(hidden_BH, [draws[row] for row in rows])
            for row, token in zip(rows, tokens_B.tolist(), strict=True):
                if not self._is_over(replies[row]):
                    replies[row].append(token)
            still = [place for place, row in enumerate(rows) if not self._is_over(replies[row])]
            if not still:
                return [self._finished(reply) for reply in replies]
            if len(still) <= _FULL_ENOUGH * len(rows):
                self._engine.keep(still)
                rows, tokens_B = [rows[place] for place in still], tokens_B[still]
            hidden_BH = self._engine.step(tokens_B)

    def _choose(self, hidden_BH: Tensor, draws: Sequence[random.Random]) -> Tensor:
        """Return the next token of each reply, on the CPU."""
        found: list[Tensor] = []
        for start in range(0, len(hidden_BH), _HEAD_ROWS):
            states_BH = hidden_BH[start : start + _HEAD_ROWS]
            logits_BV = product(states_BH, self._head.weight).float()
            if self._temperature == 0:
                found.append(logits_BV.argmax(dim=-1).cpu())
                continue
            sums_BV = (logits_BV / self._temperature).softmax(-1).double().cumsum(-1).cpu()
            heights = [draw.random() for draw in draws[start : start + _HEAD_ROWS]]
            heights_B1 = torch.tensor(heights, dtype=torch.float64)[:, None] * sums_BV[:, -1:]
            found.append(torch.searchsorted(sums_BV, heights_B1, right=True)[:, 0])
        return torch.cat(found)

    def _is_over(self, reply: Sequence[int]) -> bool:
        if not reply:
            return False
        return reply[-1] in self._end_ids or len(reply) >= self._max_new_tokens

    def _finished(self, reply: list[int]) -> Generated:
        ended = reply[-1] in self._end_ids
        return Generated(reply[:-1] if ended else reply, ended)
