"""Samples: what the model writes behind the beginning of a few held-out rows."""

# B rows, T tokens, V vocabulary

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

from ..data.chat import encode_prompt, encode_texts
from ..data.corpus_rows import CorpusRow
from .strategy import Strategy

_PROMPT_TOKENS = 24
"""Of running text so many are given."""


class Prompt(NamedTuple):
    """What a sample continues."""

    language: str
    ids: list[int]


def make_prompts(
    rows: Sequence[CorpusRow],
    tokenizer: PreTrainedTokenizerBase,
    *,
    a_language: int,
    document_start: int,
    max_tokens: int,
) -> list[Prompt]:
    """Return up to so many prompts of each language, from the first rows on.

    A conversation is given up to its last reply, running text with its first tokens.
    """
    found: list[Prompt] = []
    taken: Counter[str] = Counter()
    for row in rows:
        if taken[row["lang"]] == a_language:
            continue
        if row["messages"]:
            ids = encode_prompt(tokenizer, row["messages"][:-1])
        else:
            text = encode_texts(tokenizer, [row["text"]])[0]
            ids = [document_start, *text[:_PROMPT_TOKENS]]
        if len(ids) < max_tokens:
            taken[row["lang"]] += 1
            found.append(Prompt(row["lang"], ids))
    return found


def continue_greedily(
    strategy: Strategy, prompt: Prompt, *, num_tokens: int, end: int
) -> list[int]:
    """Return the likeliest next tokens, one by one, up to the end token; every process calls it."""
    ids = list(prompt.ids)
    for _ in range(num_tokens):
        logits_BV = strategy.logits(torch.tensor([ids], device=strategy.device))
        own = float(logits_BV[0].argmax()) if strategy.rank == 0 else 0.0
        # The first process decides, so that rounding cannot part the processes.
        ids.append(int(strategy.sum([own])[0]))
        if ids[-1] == end:
            break
    return ids[len(prompt.ids) :]
