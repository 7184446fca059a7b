"""Log-likelihoods of continuations behind prompts; what prompts have in common is computed once.

How to call it::

    scorer = Scorer(model)                        # a LlamaForCausalLM in evaluation mode
    prompts = [Prompt(ids, (choice_ids, ...)), ...]
    for index, scores in scorer.stream(prompts):  # batch by batch, in the order of the plan
        scores[0].total, scores[0].logprobs, scores[0].is_greedy
    scorer.score(prompts)                         # all at once, in the order given

The prompts are sorted by their tokens, so that those with the same examples or passage are
neighbours. A batch of them is one tree of tokens without padding (``token_tree.py``): few-shot
examples, passage and prompt stand in it once, and each choice is a branch. A choice of one token
adds nothing to it. The head runs only on the states that predict a token of a choice.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import torch
from transformers import LlamaForCausalLM

from ..halving import compute_halved
from .decoder import Decoder, TransformersDecoder
from .flat_llama import FlatLlama, can_flatten
from .head import token_scores
from .plan import plan_trees
from .token_tree import TokenTree

BATCH_TOKENS = 4096


class Prompt(NamedTuple):
    """What stands before, and what may follow; each holds at least one token."""

    ids: Sequence[int]
    continuations: Sequence[Sequence[int]]

    def sequences(self) -> list[Sequence[int]]:
        """Return what the model reads for each continuation: its last token predicts nothing."""
        return [[*self.ids, *continuation[:-1]] for continuation in self.continuations]


class Score(NamedTuple):
    """How likely one continuation is."""

    logprobs: list[float]
    """Natural logarithm, one per token."""
    is_greedy: bool
    """Whether each of its tokens is the likeliest."""

    @property
    def total(self) -> float:
        """Log-likelihood of the whole continuation."""
        return sum(self.logprobs)


class Scorer:
    """Scores prompts with one checkpoint.

    Args:
        model: in evaluation mode, with the sdpa attention.
        batch_tokens: different tokens computed at once; where memory is short, less is taken.
    """

    def __init__(self, model: LlamaForCausalLM, *, batch_tokens: int = BATCH_TOKENS) -> None:
        self._head = model.lm_head
        self._batch_tokens = batch_tokens
        self._decoder: Decoder = (
            FlatLlama(model) if can_flatten(model) else TransformersDecoder(model)
        )

    def score(self, prompts: Sequence[Prompt]) -> list[list[Score]]:
        """Return the scores of each prompt's continuations, in the order given."""
        found = dict(self.stream(prompts))
        return [found[index] for index in range(len(prompts))]

    def stream(
        self, prompts: Sequence[Prompt], *, skip: Collection[int] = ()
    ) -> Iterator[tuple[int, list[Score]]]:
        """Yield index and scores of each prompt but those to skip, batch by batch.

        A batch of which a part is skipped is computed whole: the same batches give the same digits.

        Raises:
            RunError: memory does not even hold one prompt.
        """
        num_behind = [sum(len(ids) - 1 for ids in prompt.continuations) for prompt in prompts]
        contexts = [list(prompt.ids) for prompt in prompts]
        for batch in plan_trees(contexts, num_behind, batch_tokens=self._batch_tokens):
            if all(index in skip for index in batch.members):
                continue
            found = compute_halved(
                partial(self._compute, num_prefix=batch.num_prefix),
                [prompts[index] for index in batch.members],
            )
            for index, scores in zip(batch.members, found, strict=True):
                if index not in skip:
                    yield index, scores

    @torch.inference_mode()
    def _compute(self, prompts: Sequence[Prompt], *, num_prefix: int) -> list[list[Score]]:
        tree = TokenTree.of(
            [sequence for prompt in prompts for sequence in prompt.sequences()],
            num_prefix=num_prefix,
        )
        continuations = [ids for prompt in prompts for ids in prompt.continuations]
        places = [
            place
            for path, ids in zip(tree.places, continuations, strict=True)
            for place in path[-len(ids) :]
        ]
        tokens_M = torch.tensor([token for ids in continuations for token in ids])
        at_S, rows_M = torch.unique(torch.tensor(places), return_inverse=True)
        hidden_SH = self._decoder.states(tree, at_S)
        found = token_scores(self._head, hidden_SH, rows_M=rows_M, tokens_M=tokens_M)
        is_best_M = found.best_S[rows_M] == tokens_M
        logprobs, is_best = found.logprobs_M.tolist(), is_best_M.tolist()
        ends = list(accumulate(len(ids) for ids in continuations))
        flat = iter(
            Score(logprobs[end - len(ids) : end], all(is_best[end - len(ids) : end]))
            for end, ids in zip(ends, continuations, strict=True)
        )
        return [[next(flat) for _ in prompt.continuations] for prompt in prompts]
