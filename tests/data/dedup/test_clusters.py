from pathlib import Path

import numpy as np
import pytest
from lokal.data.dedup.clusters import NEAR_DUPLICATE, NOT_DROPPED, SAME_TEXT, find_clusters
from lokal.data.dedup.row_store import RowStore

from .rows import write_rows


def store_of(folder: Path, texts: list[int], *, parts: tuple[int, ...] = ()) -> RowStore:
    return write_rows(folder, np.ones((len(texts), 12), np.uint16), texts=texts, parts=parts)


def clusters_of(store: RowStore, *pairs: tuple[int, int, int]) -> dict[int, list[int]]:
    """Return row: (first row of the cluster, fate, kept row, agreement)."""
    found = find_clusters(store, [np.array(pairs, dtype=np.int64).reshape(-1, 3)], min_equal=10)
    return {
        row: values for row, *values in zip(*(column.tolist() for column in found), strict=True)
    }


def test_rows_that_are_alone_are_not_listed(tmp_path: Path) -> None:
    assert clusters_of(store_of(tmp_path, [1, 2, 3])) == {}


@pytest.mark.parametrize("parts", [(), (1,), (2, 3)])
def test_the_first_of_equal_rows_stays(tmp_path: Path, parts: tuple[int, ...]) -> None:
    assert clusters_of(store_of(tmp_path, [1, 2, 1, 2, 1, 3], parts=parts)) == {
        0: [0, NOT_DROPPED, 0, 0],
        1: [1, NOT_DROPPED, 1, 0],
        2: [0, SAME_TEXT, 0, -1],
        3: [1, SAME_TEXT, 1, -1],
        4: [0, SAME_TEXT, 0, -1],
    }


def test_of_a_chain_both_ends_stay_in_one_cluster(tmp_path: Path) -> None:
    store = store_of(tmp_path, [1, 2, 3, 4])
    assert clusters_of(store, (0, 2, 11), (2, 3, 11)) == {
        0: [0, NOT_DROPPED, 0, 0],
        2: [0, NEAR_DUPLICATE, 0, 11],
        3: [0, NOT_DROPPED, 3, 0],
    }


def test_a_weak_link_joins_a_cluster_without_a_drop(tmp_path: Path) -> None:
    found = clusters_of(store_of(tmp_path, [1, 2, 3]), (0, 1, 9), (1, 2, 10))
    assert found[1] == [0, NOT_DROPPED, 1, 0]
    assert found[2] == [0, NEAR_DUPLICATE, 1, 10]


def test_a_row_goes_for_the_most_similar_row_that_stays(tmp_path: Path) -> None:
    pairs = [(0, 2, 10), (1, 2, 11), (0, 3, 11), (2, 3, 12), (1, 3, 11)]
    found = clusters_of(store_of(tmp_path, [1, 2, 3, 4]), *pairs, *pairs)  # bands repeat pairs
    assert found[2] == [0, NEAR_DUPLICATE, 1, 11]
    assert found[3] == [0, NEAR_DUPLICATE, 0, 11]  # row 2 does not stay; of 0 and 1 the earlier


def test_a_copy_of_a_near_duplicate_goes_for_the_row_that_stays(tmp_path: Path) -> None:
    found = clusters_of(store_of(tmp_path, [1, 2, 2]), (0, 1, 11))
    assert found[2] == [0, SAME_TEXT, 0, 11]


def test_digests_that_differ_in_their_second_half_are_different_texts(tmp_path: Path) -> None:
    store_of(tmp_path, [1, 1])
    half = tmp_path / "part-00000" / "digest-1.npy"
    np.save(half, np.array([1, 2], dtype=np.uint64))
    assert clusters_of(RowStore(tmp_path, num_parts=1)) == {}
