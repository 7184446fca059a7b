"""Which prompts are computed together: neighbours in the order of their tokens share the most."""

from collections.abc import Sequence
from typing import NamedTuple

from .token_tree import common_length

_LEAST_PREFIX = 64
"""A shorter common beginning is not worth a forward pass of its own."""
_LEAST_SHARE = 0.75
"""Two batches share a prefix if it is so much of what each of them begins with."""


class Batch(NamedTuple):
    """Prompts to compute at once."""

    members: list[int]
    """Indices of prompts."""
    num_prefix: int
    """First tokens that this batch and a neighbour begin with; computed once for both."""


def plan_trees(
    contexts: Sequence[Sequence[int]], num_behind: Sequence[int], *, batch_tokens: int
) -> list[Batch]:
    """Return batches that cover all prompts, of at most ``batch_tokens`` different tokens each.

    A longer prompt stands alone. The plan depends on nothing but its arguments, so that a run that
    goes on forms the same batches and hence the same digits.

    Args:
        contexts: token ids of each prompt.
        num_behind: tokens of all its choices together.
    """
    order = sorted(range(len(contexts)), key=lambda index: (list(contexts[index]), index))
    shared = [0] * len(order)  # of each with the one before it
    for place in range(1, len(order)):
        shared[place] = common_length(contexts[order[place - 1]], contexts[order[place]])
    costs = [
        len(contexts[index]) + num_behind[index] - same
        for index, same in zip(order, shared, strict=True)
    ]
    members: list[list[int]] = []
    start = 0
    while start < len(order):
        end = _batch_end(start, costs, shared, batch_tokens)
        members.append(order[start:end])
        start = end
    return with_prefixes(members, contexts)


def _batch_end(start: int, costs: Sequence[int], shared: Sequence[int], batch_tokens: int) -> int:
    """Return where to cut: in the batch's second half, where the neighbours share the least."""
    totals = [costs[start] + shared[start]]  # the first prompt of a batch is computed whole
    for cost in costs[start + 1 :]:
        if totals[-1] + cost > batch_tokens:
            break
        totals.append(totals[-1] + cost)
    else:
        return len(costs)
    ends = [start + num for num, total in enumerate(totals, 1) if total * 2 >= totals[-1]]
    return min(reversed(ends), key=lambda end: shared[end])


def with_prefixes(members: Sequence[list[int]], contexts: Sequence[Sequence[int]]) -> list[Batch]:
    """Return the batches, each with what it has in common with neighbours that share it.

    Args:
        members: batches of prompts in the order of their tokens.
        contexts: token ids of all prompts.
    """
    groups: list[tuple[list[list[int]], Sequence[int]]] = []
    for batch in members:
        first, last = contexts[batch[0]], contexts[batch[-1]]
        own = first[: min(common_length(first, last), len(first) - 1)]
        if groups:
            together, prefix = groups[-1]
            same = common_length(prefix, own)
            if same >= max(_LEAST_PREFIX, _LEAST_SHARE * max(len(prefix), len(own))):
                groups[-1] = ([*together, batch], prefix[:same])
                continue
        groups.append(([batch], own))
    return [
        Batch(batch, len(prefix) if len(together) > 1 else 0)
        for together, prefix in groups
        for batch in together
    ]
