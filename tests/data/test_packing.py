"""Best-fit packing: no row cut or lost, little room wasted, the same from disk."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from lokal.data.packing import Packs, best_fit, one_row_each


def plain_best_fit(lengths: Sequence[int], pack_tokens: int) -> list[list[int]]:
    """Best fit as a textbook writes it: a sorted list of the room that is left."""
    packs: list[list[int]] = []
    room: list[tuple[int, int]] = []
    for row in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        place = bisect_left(room, (lengths[row], -1))
        if place < len(room):
            free, number = room.pop(place)
        else:
            free, number = pack_tokens, len(packs)
            packs.append([])
        packs[number].append(row)
        insort(room, (free - lengths[row], number))
    return packs


def as_lists(packs: Packs) -> list[list[int]]:
    return [packs.pack(index) for index in range(len(packs))]


def test_places_each_row_where_it_leaves_the_least_room():
    assert as_lists(best_fit([6, 5, 4, 3, 2], pack_tokens=10)) == [[0, 2], [1, 3, 4]]


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_textbook_on_random_lengths(seed: int):
    lengths = np.random.default_rng(seed).integers(1, 129, 400).tolist()
    assert as_lists(best_fit(lengths, pack_tokens=128)) == plain_best_fit(lengths, 128)


def test_no_pack_is_too_long_and_no_row_is_lost():
    lengths = np.random.default_rng(9).integers(1, 513, 3000)
    packs = best_fit(lengths, pack_tokens=512)
    assert packs.num_tokens(lengths).max() <= 512
    assert sorted(packs.rows.tolist()) == list(range(3000))
    assert lengths.sum() / (len(packs) * 512) > 0.97


def test_of_no_rows_come_no_packs():
    assert len(best_fit([], pack_tokens=8)) == 0
    assert one_row_each(0).num_tokens(np.zeros(0, np.int64)).tolist() == []


def test_reads_from_disk_what_it_wrote(tmp_path: Path):
    packs = best_fit([6, 5, 4, 3, 2], pack_tokens=10)
    packs.write(tmp_path)
    assert as_lists(Packs.open(tmp_path)) == as_lists(packs)
