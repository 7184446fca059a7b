"""Which documents share a row: best fit, longest first; kept as an Arrow file, mapped into memory.

A pack is a list of row numbers. Nothing is copied: the documents stay where they were encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

Ints: TypeAlias = np.ndarray[tuple[int], np.dtype[np.integer]]
PACKS_NAME = "packs.arrow"
_SCHEMA = pa.schema([("rows", pa.list_(pa.int32()))])


@dataclass(frozen=True, slots=True)
class Packs:
    """Row numbers of all packs, one behind the other, and where each pack begins."""

    rows: Ints
    starts: Ints
    """One more than there are packs: the last is the number of rows."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def pack(self, index: int) -> list[int]:
        """Return the row numbers of one pack."""
        return self.rows[self.starts[index] : self.starts[index + 1]].tolist()

    def num_tokens(self, lengths: Ints) -> Ints:
        """Return the tokens of each pack, from the tokens of each row."""
        if len(self) == 0:
            return np.zeros(0, np.int64)
        return np.add.reduceat(lengths[self.rows], self.starts[:-1])

    def write(self, folder: Path) -> None:
        """Write them into the folder."""
        array = pa.ListArray.from_arrays(
            pa.array(self.starts, pa.int32()), pa.array(self.rows, pa.int32())
        )
        with (
            pa.OSFile(str(folder / PACKS_NAME), "wb") as sink,
            pa.ipc.new_file(sink, _SCHEMA) as to,
        ):
            to.write_batch(pa.RecordBatch.from_arrays([array], schema=_SCHEMA))

    @classmethod
    def open(cls, folder: Path) -> "Packs":
        """Map what ``write`` wrote into memory."""
        with pa.memory_map(str(folder / PACKS_NAME)) as source:
            array = pa.ipc.open_file(source).get_batch(0).column(0)
        return cls(array.values.to_numpy(), array.offsets.to_numpy())


def one_row_each(num_rows: int) -> Packs:
    """Return a pack for each row."""
    return Packs(np.arange(num_rows, dtype=np.int32), np.arange(num_rows + 1, dtype=np.int32))


def best_fit(lengths: Sequence[int] | Ints, *, pack_tokens: int) -> Packs:
    """Return packs of at most so many tokens; no row is cut, and each appears once.

    Rows are placed by falling length (equal ones in their order), each where it leaves the least
    room. The room that is left is looked up in the bits of one integer, in constant time a row.
    """
    sizes = np.asarray(lengths, np.int64)
    assert sizes.size == 0 or int(sizes.max()) <= pack_tokens, "a row is longer than a pack"
    order = np.argsort(-sizes, kind="stable")
    waiting: list[list[int]] = [[] for _ in range(pack_tokens + 1)]  # packs by free tokens, a heap
    sizes_open = 0  # bit n is set while a pack with n free tokens waits
    pack_of = np.empty(len(sizes), np.int32)
    num_packs = 0
    for row, need in zip(order.tolist(), sizes[order].tolist(), strict=True):
        fitting = sizes_open >> need
        if fitting:
            free = need + (fitting & -fitting).bit_length() - 1
            number = heappop(waiting[free])
            if not waiting[free]:
                sizes_open ^= 1 << free
        else:
            free, number = pack_tokens, num_packs
            num_packs += 1
        heappush(waiting[free - need], number)
        sizes_open |= 1 << (free - need)
        pack_of[row] = number
    by_pack = np.argsort(pack_of[order], kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(pack_of, minlength=num_packs))])
    return Packs(order[by_pack].astype(np.int32), starts.astype(np.int32))
