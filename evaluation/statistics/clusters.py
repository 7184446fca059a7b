"""Items that hang together (one passage, document, prompt) count as one draw, not as many."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

# N items, C clusters, S statistics of an item


def number_clusters(clusters: Sequence[Hashable] | None, *, num_items: int) -> NDArray[np.int64]:
    """Return each item's cluster as a number from 0, in order of appearance; alone where None.

    Raises:
        ValueError: not one cluster per item.
    """
    if clusters is None:
        return np.arange(num_items, dtype=np.int64)
    if len(clusters) != num_items:
        raise ValueError(f"{num_items} items need as many clusters, got {len(clusters)}")
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    return np.fromiter(map(numbers.__getitem__, clusters), np.int64, num_items)


def sum_by_cluster(
    values_NS: NDArray[np.float64], clusters: Sequence[Hashable] | None
) -> NDArray[np.float64]:
    """Return the sums of each cluster, C x S, in order of appearance."""
    if clusters is None:
        return values_NS
    places_N = number_clusters(clusters, num_items=len(values_NS))
    sums_CS = np.zeros((int(places_N.max(initial=-1)) + 1, values_NS.shape[1]))
    np.add.at(sums_CS, places_N, values_NS)
    return sums_CS
