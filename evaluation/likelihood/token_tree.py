"""Token sequences as one flat row in which what several of them begin with stands once.

The row lists the tree of all sequences depth first, so that the tokens behind a token, on all
branches, are the ones right of it: token ``i`` sees token ``j`` if ``j <= i < ends_N[j]``.
"""

# N tokens of the row, T tokens of one block

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK_TOKENS = 256
"""Longest block; 128 and 512 were no faster."""


class Block(NamedTuple):
    """Neighbouring tokens of the row that see the same earlier ones."""

    start: int
    end: int
    sees: tuple[tuple[int, int], ...]
    """Spans of the row that every token of the block sees, in order; the prefix is not in it."""


class _Branches(NamedTuple):
    """Whole branches that hang on the same tokens."""

    start: int
    end: int
    sees: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class TokenTree:
    """The row of some sequences, behind a prefix that they all begin with."""

    prefix_ids: tuple[int, ...]
    """Stands before the row and not in it."""
    ids: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    """Of each token: how many of its sequence stand before it in the row."""
    ends: list[int] = field(default_factory=list)
    """Of each token: one past the last that sees it."""
    places: list[list[int]] = field(default_factory=list)
    """Of each sequence: where its tokens lie, in the order given."""

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], *, num_prefix: int = 0) -> "TokenTree":
        """Return the tree of the sequences; their first ``num_prefix`` tokens are equal."""
        tree = cls(tuple(sequences[0][:num_prefix]), places=[[] for _ in sequences])
        path: list[int] = []
        before: Sequence[int] = ()
        for index in sorted(range(len(sequences)), key=lambda index: list(sequences[index])):
            tokens = sequences[index][num_prefix:]
            shared = common_length(before, tokens)
            tree._leave(path[shared:])
            path = path[:shared]
            for depth in range(shared, len(tokens)):
                path.append(len(tree.ids))
                tree.ids.append(tokens[depth])
                tree.depths.append(depth)
                tree.ends.append(0)
            tree.places[index] = path
            before = tokens
        tree._leave(path)
        return tree

    def positions_N(self) -> Tensor:
        """Return where each token stands in its sequence."""
        return torch.tensor(self.depths, dtype=torch.long) + len(self.prefix_ids)

    def sees_TT(self, start: int, end: int) -> Tensor:
        """Return which tokens of the span see which of it, query by key."""
        ends_T = torch.tensor(self.ends[start:end])
        here_T = torch.arange(start, end)
        return (here_T[:, None] >= here_T[None]) & (here_T[:, None] < ends_T[None])

    def blocks(self, *, longest: int = BLOCK_TOKENS) -> list[Block]:
        """Return the row in blocks of at most ``longest`` tokens."""
        found: list[Block] = []
        hanging: list[_Branches] = [_Branches(0, len(self.ids), ())]
        while hanging:
            found += self._split(hanging.pop(), longest, hanging)
        return found

    def _leave(self, places: Sequence[int]) -> None:
        for place in places:
            self.ends[place] = len(self.ids)

    def _split(
        self, branches: "_Branches", longest: int, hanging: list["_Branches"]
    ) -> Iterator[Block]:
        """Yield blocks of whole branches, and of the trunk of each that is too long for one.

        What hangs on a trunk is put off.
        """
        start = place = branches.start
        while place < branches.end:
            stop = self.ends[place]
            if stop - start <= longest:  # the branch still fits into the block
                place = stop
            elif place > start:
                yield Block(start, place, branches.sees)
                start = place
            else:
                trunk_end = self._trunk_end(place, min(stop, place + longest))
                yield Block(place, trunk_end, branches.sees)
                sees = _with_span(branches.sees, place, trunk_end)
                hanging.append(_Branches(trunk_end, stop, sees))
                start = place = stop
        if place > start:
            yield Block(start, place, branches.sees)

    def _trunk_end(self, place: int, limit: int) -> int:
        """Return one past the last token, before the limit, that every branch of this one holds."""
        stop = self.ends[place]
        while place < limit and self.ends[place] == stop:
            place += 1
        return place


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many first tokens are equal."""
    limit = min(len(one), len(other))
    if one[:limit] == other[:limit]:
        return limit
    low, high = 0, limit  # the first ``low`` are equal, the first ``high`` are not
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _with_span(
    sees: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    if sees and sees[-1][1] == start:
        return (*sees[:-1], (sees[-1][0], end))
    return (*sees, (start, end))
