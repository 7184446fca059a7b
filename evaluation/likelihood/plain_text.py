"""How well a checkpoint predicts plain text: bits per byte, whatever its tokenizer."""

import math
from collections.abc import Sequence

from .scorer import Prompt, Scorer


def text_prompts(ids: Sequence[int], *, first: int, max_length: int) -> list[Prompt]:
    """Return what to score so that each token is predicted once, the first behind ``first``.

    A text that is too long is cut into windows as lm-eval cuts it: each is as long as possible and
    scores the tokens that no window before it has scored.

    Args:
        max_length: the longest row that the model reads.
    """
    found: list[Prompt] = []
    for start in range(0, len(ids), max_length):
        end = min(start + max_length, len(ids))
        context = ids[max(0, end - max_length - 1) : start] if start else [first]
        found.append(Prompt(context, [ids[start:end]]))
    return found


def text_logprobs(
    scorer: Scorer, texts: Sequence[Sequence[int]], *, first: int, max_length: int
) -> list[float]:
    """Return the log-likelihood of each text, given as token ids."""
    windows = [text_prompts(ids, first=first, max_length=max_length) for ids in texts]
    totals = iter(scorer.score([prompt for several in windows for prompt in several]))
    return [sum(next(totals)[0].total for _ in several) for several in windows]


def bits_per_byte(logprob: float, text: str) -> float:
    """Return the bits that the text costs, per byte of UTF-8."""
    return -logprob / math.log(2) / len(text.encode())
