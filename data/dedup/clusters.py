"""Joins equal and nearly equal rows to clusters, and says which row of them stays.

M rows that are in a cluster, N pairs of rows
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .pairs import Pairs, Rows, repeated
from .row_store import DIGEST_COLUMNS, RowStore

NOT_DROPPED, SAME_TEXT, NEAR_DUPLICATE = 0, 1, 2


class Clusters(NamedTuple):
    """Every row that is not alone, in the corpus' order."""

    rows_M: Rows
    first_M: Rows
    """The first row of the cluster: its id decides whether the cluster is held out."""
    fate_M: NDArray[np.uint8]
    kept_M: Rows
    """The row that stays in place of a dropped one; itself for a kept one."""
    equal_M: NDArray[np.int64]
    """Places in which the signatures of row and kept row agree; -1: the same text."""

    def slice(self, start: int, end: int) -> "Clusters":
        """Return some of the rows."""
        return Clusters(
            self.rows_M[start:end],
            self.first_M[start:end],
            self.fate_M[start:end],
            self.kept_M[start:end],
            self.equal_M[start:end],
        )


def find_clusters(store: RowStore, pairs: Sequence[Pairs], *, min_equal: int) -> Clusters:
    """Return the clusters of all rows that are equal or linked by a pair.

    Going through the corpus in its order, a row is dropped if its text was there before, or if it
    agrees in ``min_equal`` places with an earlier row *that stays*. Of a chain A ~ B ~ C with A
    unlike C, therefore, A and C stay: nothing goes without something very like it staying. All
    three are one cluster, so they never come to stand on both sides of the held-out split.
    """
    copies_N, originals_N = _exact_copies(store)
    pairs_N = np.unique(np.concatenate([np.empty((0, 3), dtype=np.int64), *pairs]), axis=0)
    links_N = np.concatenate([np.column_stack([originals_N, copies_N]), pairs_N[:, :2]])
    rows_M = np.unique(links_N)
    first_M = _first_of_component(np.searchsorted(rows_M, links_N), num_nodes=len(rows_M))
    kept_M, equal_M = _keep_first(rows_M, pairs_N[pairs_N[:, 2] >= min_equal])
    fate_M = np.where(kept_M < np.arange(len(rows_M)), NEAR_DUPLICATE, NOT_DROPPED)
    copy, original = np.searchsorted(rows_M, copies_N), np.searchsorted(rows_M, originals_N)
    equal_M[copy] = np.where(fate_M[original] == NOT_DROPPED, -1, equal_M[original])
    kept_M[copy] = kept_M[original]
    fate_M[copy] = SAME_TEXT
    return Clusters(rows_M, rows_M[first_M], fate_M.astype(np.uint8), rows_M[kept_M], equal_M)


def _exact_copies(store: RowStore) -> tuple[Rows, Rows]:
    """Return the rows whose text was there before, and the first row with that text."""
    rows, _ = repeated(store.column(DIGEST_COLUMNS[0]))
    digests = store.digests_of(rows)
    order = np.lexsort((rows, digests[:, 1], digests[:, 0]))
    rows, digests = rows[order], digests[order]
    is_copy = np.zeros(len(rows), dtype=np.bool_)
    is_copy[1:] = (digests[1:] == digests[:-1]).all(axis=1)
    place_of_first = np.maximum.accumulate(np.where(is_copy, 0, np.arange(len(rows))))
    return rows[is_copy], rows[place_of_first[is_copy]]


def _first_of_component(links_N2: NDArray[np.int64], *, num_nodes: int) -> NDArray[np.int64]:
    """Return for each node the smallest one that links lead to."""
    ones = np.ones(len(links_N2), dtype=np.bool_)
    graph = coo_array((ones, (links_N2[:, 0], links_N2[:, 1])), shape=(num_nodes, num_nodes))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return first[component]


def _keep_first(rows_M: Rows, pairs_N: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which row stays in place of each, as an index into ``rows_M``, and the agreement.

    Of several kept rows that a row is like, it is dropped for the most similar one.
    """
    kept, equal = list(range(len(rows_M))), [0] * len(rows_M)
    order = np.lexsort((pairs_N[:, 0], -pairs_N[:, 2], pairs_N[:, 1]))
    earlier, later = (np.searchsorted(rows_M, pairs_N[order, side]) for side in (0, 1))
    agreement = pairs_N[order, 2]
    for row, other, places in zip(
        later.tolist(), earlier.tolist(), agreement.tolist(), strict=True
    ):
        if kept[row] == row and kept[other] == other:
            kept[row], equal[row] = other, places
    return np.array(kept, dtype=np.int64), np.array(equal, dtype=np.int64)
