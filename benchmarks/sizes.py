"""What sizes of test sets can show: the tables of docs/statistics.md, from the closed forms.

python benchmarks/sizes.py
"""

import math
from collections.abc import Iterator

from lokal.evaluation.statistics.interval import wilson_interval
from lokal.evaluation.statistics.power import (
    detectable_difference,
    discordant_items,
    not_worse_items,
)
from scipy.stats import binom

CONFIDENCE, POWER = 0.95, 0.8
SETS = [  # items, share right, design effect of passages or documents
    ("163 (SIB-200)", 163, 1.0),
    ("400 (Global-MMLU Lite, NusaX)", 400, 1.0),
    ("550 (INCLUDE)", 550, 1.0),
    ("900 (Belebele, clustered by passage)", 900, 1.3),
    ("1,300", 1_300, 1.0),
    ("2,500", 2_500, 1.0),
]
SHARE_RIGHT = 0.6
FLOORS = [0.95, 0.98, 0.995]
STEP = 10


def detectable() -> Iterator[str]:
    """Yield the difference that each set shows, unpaired and for two correlations."""
    yield "| items | unpaired | systems correlated .5 | .7 | .8 |"
    yield "|---|---|---|---|---|"
    for name, num_items, effect in SETS:
        points = []
        for correlation in (0.0, 0.5, 0.7, 0.8):
            deviation = math.sqrt(2 * SHARE_RIGHT * (1 - SHARE_RIGHT) * (1 - correlation))
            found = detectable_difference(
                deviation,
                num_items=num_items,
                confidence=CONFIDENCE,
                power=POWER,
                design_effect=effect,
            )
            points.append(f"{100 * found:.1f}")
        yield f"| {name} | {' | '.join(points)} |"


def not_worse() -> Iterator[str]:
    """Yield the items that rule out a loss, where there is none, by how many answers differ."""
    yield "| answers that differ | margin 1 point: 80 / 95 / 99.5 % pass | 2 points | 3 points |"
    yield "|---|---|---|---|"
    for differ in (0.01, 0.02, 0.05, 0.10, 0.20, 0.40):
        cells = []
        for margin in (0.01, 0.02, 0.03):
            sizes = [
                not_worse_items(
                    math.sqrt(differ), margin=margin, confidence=CONFIDENCE, power=power
                )
                for power in (0.8, 0.95, 0.995)
            ]
            cells.append(" / ".join(f"{size:,}" for size in sizes))
        yield f"| {100 * differ:.0f} % | {' | '.join(cells)} |"


def rises() -> Iterator[str]:
    """Yield the prompts that show a rise of failures (one-sided McNemar)."""
    yield "| rise of failures | prompts |"
    yield "|---|---|"
    for rise in (0.05, 0.03, 0.02):
        size = discordant_items(
            only_first=rise + 0.01, only_second=0.01, confidence=CONFIDENCE, power=POWER
        )
        yield f"| {100 * rise:.0f} points | {size} |"


def floors() -> Iterator[str]:
    """Yield the replies that show a floor: without one failure, and with half of those allowed."""
    yield "| floor | replies, none failing | replies, failing half as often as allowed, 95 % pass |"
    yield "|---|---|---|"
    for floor in FLOORS:
        clean = next(size for size in range(1, 10_000) if _allowed(size, floor=floor) is not None)
        real = next(
            size
            for size in range(STEP, 100_000, STEP)
            if binom.cdf(_allowed(size, floor=floor) or 0, size, (1 - floor) / 2) >= 0.95
            and _allowed(size, floor=floor) is not None
        )
        yield f"| {100 * floor:.1f} % | {clean:,} | {real:,} |"


def _allowed(size: int, *, floor: float) -> int | None:
    """Return how many failures of so many replies still show the floor; None if not even none."""
    found = None
    for failed in range(math.ceil(size * (1 - floor)) + 1):
        made = wilson_interval(size - failed, num_items=size, confidence=2 * CONFIDENCE - 1)
        if made.low < floor:
            break
        found = failed
    return found


def main() -> None:
    """Print every table."""
    for table in (detectable, not_worse, rises, floors):
        print("\n".join(table()), end="\n\n")


if __name__ == "__main__":
    main()
