from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from lokal.data.dedup.pairs import SMALL_BUCKET, find_pairs, repeated
from lokal.data.errors import RunError

from .rows import CONFIG, write_rows


def test_repeated_finds_rows_across_parts_and_ignores_zero() -> None:
    parts = [np.array(part, dtype=np.uint64) for part in ([5, 0, 9], [], [9, 7, 0, 5], [5])]
    rows, values = repeated(parts)
    assert rows.tolist() == [0, 6, 7, 2, 3]
    assert values.tolist() == [5, 5, 5, 9, 9]
    assert len(repeated([])[0]) == 0


@pytest.mark.parametrize("parts", [(), (100,), (0, 7, 150)])
def test_pairs_are_those_that_share_a_band_and_agree(tmp_path: Path, parts: tuple[int]) -> None:
    signatures = np.random.default_rng(0).integers(0, 3, (200, 12)).astype(np.uint16)
    store = write_rows(tmp_path, signatures, parts=parts)
    for band in range(CONFIG.num_bands):
        expected = []
        for one, other in combinations(range(len(signatures)), 2):
            same = signatures[one] == signatures[other]
            if same[3 * band : 3 * band + 3].all() and same.sum() >= 7:
                expected.append([one, other, same.sum()])
        assert expected
        assert find_pairs(store, band=band, min_linked=7, min_alike=9).tolist() == expected


def test_copies_of_a_text_are_compared_once(tmp_path: Path) -> None:
    signatures = np.ones((6, 12), dtype=np.uint16)
    store = write_rows(tmp_path, signatures, texts=[1, 1, 2, 2, 1, 2], parts=(3,))
    assert find_pairs(store, band=0, min_linked=7, min_alike=9).tolist() == [[0, 2, 12]]


def test_a_large_bucket_costs_a_comparison_for_each_row_not_for_each_pair(tmp_path: Path) -> None:
    number = 20 * SMALL_BUCKET
    signatures = np.ones((number, 12), dtype=np.uint16)
    signatures[number // 2 :, 6:] = 2  # two templates that share half of all places
    store = write_rows(tmp_path, signatures)
    pairs = find_pairs(store, band=0, min_linked=7, min_alike=9)
    assert len(pairs) == number - 2
    assert sorted(set(pairs[:, 0].tolist())) == [0, number // 2]


def test_a_link_in_a_large_bucket_does_not_hide_a_copy_further_on(tmp_path: Path) -> None:
    signatures = np.ones((3 * SMALL_BUCKET, 12), dtype=np.uint16)
    signatures[2:, 8:] = np.arange(2, 3 * SMALL_BUCKET, dtype=np.uint16)[:, None]
    signatures[-1] = signatures[-2]
    pairs = find_pairs(write_rows(tmp_path, signatures), band=0, min_linked=7, min_alike=9)
    last = len(signatures) - 1
    assert pairs[pairs[:, 1] == last].tolist() == [[0, last, 8], [last - 1, last, 12]]
    assert pairs[pairs[:, 1] == 5].tolist() == [[0, 5, 8]]


def test_leaders_do_not_go_on_for_ever_where_nothing_is_alike(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    signatures = generator.integers(0, 2**16, (800, 12)).astype(np.uint16)
    signatures[:, :3] = 1
    signatures[-1] = signatures[0]
    store = write_rows(tmp_path, signatures)
    assert find_pairs(store, band=0, min_linked=7, min_alike=9).tolist() == [[0, 799, 12]]


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = write_rows(tmp_path, np.ones((3, 12), dtype=np.uint16), parts=(1,))
    assert store.part_starts == [0, 1, 3]
    (tmp_path / "part-00001").rename(tmp_path / ".part-00001.tmp")
    with pytest.raises(RunError, match=r"part-00001 is missing: run the task of this part again"):
        type(store)(tmp_path, num_parts=2)


def test_columns_and_ids_are_gathered_in_the_order_asked_for(tmp_path: Path) -> None:
    signatures = np.arange(60, dtype=np.uint16).reshape(5, 12)
    store = write_rows(tmp_path, signatures, parts=(2, 2))
    rows = np.array([4, 0, 3, 0])
    assert np.array_equal(store.gather("signatures", rows), signatures[rows])
    assert store.ids_of(np.array([0, 1, 4])) == ["id 0", "id 1", "id 4"]
