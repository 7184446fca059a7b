"""What the items of a choice of benchmarks can show, said before they are asked."""

from collections.abc import Sequence

from .generations import Part
from .statistics.power import detectable_difference

_DEVIATION = 0.49
"""Of the per-item difference of two systems that are both right on 60 % of the items, correlated
by 0.5 (docs/statistics.md); systems that agree more often show smaller differences."""


def describe_sizes(parts: Sequence[Part]) -> list[str]:
    """Return a line a language: how many benchmarks and items, and which difference they show."""
    lines: list[str] = []
    for language in dict.fromkeys(part.language for part in parts):
        sizes = [len(part.items) for part in parts if part.language == language]
        best, worst = (
            100 * detectable_difference(_DEVIATION, num_items=size, confidence=0.95, power=0.8)
            for size in (max(sizes), min(sizes))
        )
        lines.append(
            f"{language}: {len(sizes)} benchmarks, {sum(sizes):,} items; one benchmark shows "
            f"differences from {best:.0f} (most items) or {worst:.0f} points (fewest) on"
        )
    return lines
