"""The held-out loss: how many bits the model needs for a byte of text that it is not trained on."""

# G languages, N targets of a batch

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..data.batches import Batch, collate
from ..data.chat import EncodedConversation
from ..data.heldout import HeldoutRow
from .strategy import Strategy


class HeldoutFigures(NamedTuple):
    """What one look found, by language."""

    bits_per_byte: dict[str, float]
    loss: dict[str, float]
    """Nats a token."""


class Heldout:
    """Held-out rows, dealt to the processes.

    Args:
        rows: the same in every process.
        micro_rows: most rows of one forward pass.
        pad_id: stands where a batch has no token.
    """

    def __init__(self, rows: Sequence[HeldoutRow], *, micro_rows: int, pad_id: int) -> None:
        self.languages = sorted({row.language for row in rows})
        place = {language: index for index, language in enumerate(self.languages)}
        pieces = [piece._replace(group=place[row.language]) for row in rows for piece in row.pieces]
        self._pieces = sorted(pieces, key=lambda piece: (-len(piece.ids), piece.ids))
        self._num_bytes = [0] * len(self.languages)
        self._num_tokens = [0] * len(self.languages)
        for row in rows:
            self._num_bytes[place[row.language]] += row.num_bytes
            self._num_tokens[place[row.language]] += sum(sum(p.trained) for p in row.pieces)
        self._micro_rows = micro_rows
        self._pad_id = pad_id

    def measure(self, strategy: Strategy) -> HeldoutFigures:
        """Return the figures; every process calls it, with the module in evaluation mode."""
        sums_G = torch.zeros(len(self.languages), device=strategy.device)
        for some, counted in self._batches(strategy):
            batch = some.to(strategy.device)
            losses_N = strategy.losses(batch)
            if counted:
                sums_G.index_add_(0, batch.group_N, losses_N.float())
        nats = strategy.sum(sums_G.tolist())
        bits = [
            total / math.log(2) / number
            for total, number in zip(nats, self._num_bytes, strict=True)
        ]
        means = [total / number for total, number in zip(nats, self._num_tokens, strict=True)]
        return HeldoutFigures(
            {code: round(value, 6) for code, value in zip(self.languages, bits, strict=True)},
            {code: round(value, 6) for code, value in zip(self.languages, means, strict=True)},
        )

    def _batches(self, strategy: Strategy) -> list[tuple[Batch, bool]]:
        """Return this process's batches: as many as every other has, the last may be a filler."""
        a_process = math.ceil(len(self._pieces) / strategy.num_ranks)
        num_batches = math.ceil(a_process / self._micro_rows)
        mine = self._pieces[strategy.rank :: strategy.num_ranks]
        parts = [mine[n * self._micro_rows :][: self._micro_rows] for n in range(num_batches)]
        return [(self._collate(part or self._pieces[:1]), bool(part)) for part in parts]

    def _collate(self, pieces: Sequence[EncodedConversation]) -> Batch:
        return collate([[piece] for piece in pieces], prefix=[], pad_id=self._pad_id)
