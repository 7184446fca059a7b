"""Finds rows that are alike: candidates share a band, and their signatures confirm it.

N pairs of rows, P permutations
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .row_store import RowStore

SMALL_BUCKET = 64
"""In buckets of up to so many rows all pairs are compared; in larger ones rows with leaders."""
MAX_LEADERS = 256
_PAIRS_AT_ONCE = 2**13
_ROWS_AT_ONCE = 2**16

Rows = NDArray[np.int64]
Pairs = NDArray[np.int64]
"""[N, 3]: earlier row, later row, places in which their signatures agree."""


def repeated(parts: Sequence[NDArray[np.uint64]]) -> tuple[Rows, NDArray[np.uint64]]:
    """Return the rows whose value occurs more than once, and the values, by value and row.

    A value of 0 stands for none. Holds 8 bytes for each row, and 16 for each one returned.
    """
    values = np.empty(sum(map(len, parts)), dtype=np.uint64)
    first = 0
    for part in parts:
        values[first : first + len(part)] = part
        first += len(part)
    values.sort()
    twice = np.unique(values[1:][values[1:] == values[:-1]])
    twice = twice[twice > 0]
    del values
    rows: list[Rows] = [np.empty(0, dtype=np.int64)]
    found: list[NDArray[np.uint64]] = [np.empty(0, dtype=np.uint64)]
    first = 0
    for part in parts if len(twice) else ():
        for start in range(0, len(part), _ROWS_AT_ONCE):
            chunk = np.asarray(part[start : start + _ROWS_AT_ONCE])
            place = np.minimum(np.searchsorted(twice, chunk), len(twice) - 1)
            hits = np.flatnonzero(twice[place] == chunk)
            rows.append(hits + (first + start))
            found.append(chunk[hits])
        first += len(part)
    all_rows, all_values = np.concatenate(rows), np.concatenate(found)
    order = np.lexsort((all_rows, all_values))
    return all_rows[order], all_values[order]


def find_pairs(store: RowStore, *, band: int, min_equal: int) -> Pairs:
    """Return the pairs of rows that share this band and agree in at least ``min_equal`` places.

    Of rows with the same text only the first is compared.
    """
    rows, keys = _without_copies(store, *repeated(store.column(f"band-{band:03d}")))
    sizes = _bucket_sizes(keys)
    small = sizes <= SMALL_BUCKET
    found = [np.empty((0, 3), dtype=np.int64)]
    for first, second in _all_pairs(rows[small], keys[small]):
        found.append(_confirmed(store, first, second, min_equal=min_equal))
    starts = np.flatnonzero(_is_first(keys) & ~small)
    found += [
        _led_pairs(store, rows[start : start + sizes[start]], min_equal=min_equal)
        for start in starts
    ]
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _without_copies(
    store: RowStore, rows: Rows, keys: NDArray[np.uint64]
) -> tuple[Rows, NDArray[np.uint64]]:
    """Leave out rows that have the text of an earlier one: they share all bands with it."""
    digests = store.digests_of(rows)
    order = np.lexsort((rows, digests[:, 1], digests[:, 0], keys))
    rows, keys, digests = rows[order], keys[order], digests[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (digests[1:] != digests[:-1]).any(axis=1) | (keys[1:] != keys[:-1])
    rows, keys = rows[first], keys[first]
    order = np.lexsort((rows, keys))
    return rows[order], keys[order]


def _is_first(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return first


def _bucket_sizes(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each row how many rows have its key; the keys are sorted."""
    starts = np.flatnonzero(_is_first(keys))
    sizes = np.diff(np.append(starts, len(keys)))
    return np.repeat(sizes, sizes)


def _all_pairs(rows: Rows, keys: NDArray[np.uint64]) -> Iterator[tuple[Rows, Rows]]:
    """Yield all pairs within buckets, so many at once."""
    for shift in range(1, SMALL_BUCKET):
        same = np.flatnonzero(keys[shift:] == keys[:-shift])
        if len(same) == 0:
            return
        for start in range(0, len(same), _PAIRS_AT_ONCE):
            chosen = same[start : start + _PAIRS_AT_ONCE]
            yield rows[chosen], rows[chosen + shift]


def _confirmed(store: RowStore, first: Rows, second: Rows, *, min_equal: int) -> Pairs:
    equal = _agreement(store.gather("signatures", first), store.gather("signatures", second))
    pairs = np.column_stack([first, second, equal]).astype(np.int64)
    return pairs[equal >= min_equal]


def _agreement(one_NP: NDArray[np.uint16], other_NP: NDArray[np.uint16]) -> NDArray[np.int64]:
    return (one_NP == other_NP).sum(axis=1)


def _led_pairs(store: RowStore, rows: Rows, *, min_equal: int) -> Pairs:
    """Compare the rows of a large bucket with leaders: rows that are like no leader before them.

    A thousand copies of one template cost a thousand comparisons, not half a million. Two rows
    with the same leader are linked through it. A pair is lost only if its rows have different
    leaders, or none among the first MAX_LEADERS, here and in every other band that they share.
    """
    found = [np.empty((0, 3), dtype=np.int64)]
    for _ in range(MAX_LEADERS):
        if len(rows) < 2:
            break
        leader, rows = rows[:1], rows[1:]
        alike = [np.empty((0, 3), dtype=np.int64)]
        for start in range(0, len(rows), _PAIRS_AT_ONCE):
            chosen = rows[start : start + _PAIRS_AT_ONCE]
            alike.append(_confirmed(store, leader.repeat(len(chosen)), chosen, min_equal=min_equal))
        led = np.concatenate(alike)
        found.append(led)
        rows = rows[~np.isin(rows, led[:, 1])]
    return np.concatenate(found)
