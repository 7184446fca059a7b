"""What one rank keeps in memory, part by part; every way of finding it out fills this form."""

from typing import NamedTuple


class MemoryParts(NamedTuple):
    """Bytes in one rank at the moment of the peak, above what the empty process takes."""

    parameters: float
    """Frozen and trained, as this rank holds them between the steps."""
    gradients: float
    optimizer: float
    """Moments and fp32 master copies."""
    activations: float
    """Kept for the backward pass, the largest recomputed layer included."""
    logits: float
    """Of the head and its loss, with their gradients."""
    buffers: float
    """Gathered layers, reduction buckets, RoPE tables, the batch."""
    margin: float
    """Fragmentation of the allocator, and the library's own workspace."""
    peak_at: str = ""
    """Which moment of the step needs most: forward, backward, optimizer, load."""

    @property
    def total(self) -> float:
        """Return the sum of all parts."""
        return sum(part for part in self if isinstance(part, int | float))
