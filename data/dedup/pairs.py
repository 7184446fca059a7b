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
_NO_PAIRS = np.empty((0, 3), dtype=np.int64)


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


def find_pairs(store: RowStore, *, band: int, min_linked: int, min_alike: int) -> Pairs:
    """Return the pairs of rows that share this band and agree in ``min_linked`` places or more.

    Of rows with the same text only the first is compared. In a large bucket a row is compared
    until it meets one that it agrees with in ``min_alike`` places, for which it can be dropped.
    """
    rows, keys = _without_copies(store, *repeated(store.column(f"band-{band:03d}")))
    sizes = _bucket_sizes(keys)
    small = sizes <= SMALL_BUCKET
    found = [_NO_PAIRS]
    for first, second in _all_pairs(rows[small], keys[small]):
        found.append(_confirmed(store, first, second, min_linked=min_linked))
    for start in np.flatnonzero(_is_first(keys) & ~small):
        bucket = rows[start : start + sizes[start]]
        found += _led_pairs(store, bucket, min_linked=min_linked, min_alike=min_alike)
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


def _confirmed(store: RowStore, first: Rows, second: Rows, *, min_linked: int) -> Pairs:
    equal = _agreement(store.gather("signatures", first), store.gather("signatures", second))
    linked = equal >= min_linked
    return _as_pairs(first[linked], second[linked], equal[linked])


def _led_pairs(store: RowStore, rows: Rows, *, min_linked: int, min_alike: int) -> Iterator[Pairs]:
    """Compare the rows of a large bucket with leaders: rows that are like no leader before them.

    A thousand copies of one template cost a thousand comparisons, not half a million. Two rows
    with the same leader are linked through it. A pair is lost only if its rows have different
    leaders, or none among the first MAX_LEADERS, here and in every other band that they share.
    """
    leaders: list[tuple[int, NDArray[np.uint16]]] = []
    for start in range(0, len(rows), _PAIRS_AT_ONCE):
        unled = rows[start : start + _PAIRS_AT_ONCE]
        signatures_RP = store.gather("signatures", unled)
        is_linked = np.zeros(len(unled), dtype=np.bool_)
        for place in range(MAX_LEADERS):
            if len(unled) and place == len(leaders):
                leaders.append((int(unled[0]), signatures_RP[0]))
                unled, signatures_RP, is_linked = unled[1:], signatures_RP[1:], is_linked[1:]
            if len(unled) == 0:
                break
            leader, signature_P = leaders[place]
            equal = _agreement(signatures_RP, signature_P)
            led = equal >= min_alike
            new = led | ((equal >= min_linked) & ~is_linked)  # one link a row: no flood of pairs
            if new.any():
                yield _as_pairs(np.full(new.sum(), leader), unled[new], equal[new])
                is_linked |= new
                unled, signatures_RP, is_linked = unled[~led], signatures_RP[~led], is_linked[~led]


def _agreement(one_NP: NDArray[np.uint16], other_NP: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return (one_NP == other_NP).sum(axis=-1, dtype=np.uint16)


def _as_pairs(first: Rows, second: Rows, equal: NDArray[np.uint16]) -> Pairs:
    return np.column_stack([first, second, equal]).astype(np.int64)
