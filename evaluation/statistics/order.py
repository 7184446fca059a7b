"""How often an answer hangs on the order in which the choices were shown."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .interval import Interval, mean_interval, share_interval


class OrderSensitivity(NamedTuple):
    """One item counts once, over all the orders in which it was asked."""

    changed: Interval
    """Share of items whose answer is not the same choice in every order."""
    accuracy: Interval
    """Mean over orders of right answers: the figure without the luck of one order."""
    right_in_every_order: Interval


def order_sensitivity(
    answers: Sequence[Sequence[str | None]],
    gold: Sequence[str],
    *,
    confidence: float,
    clusters: Sequence[Hashable] | None = None,
) -> OrderSensitivity:
    """Return how far answers hang on the order of the choices.

    Args:
        answers: per item the chosen text (not its letter) in each order; None where unreadable,
            which is an answer of its own.
        gold: per item the right choice's text.
        confidence: 0.95 for 95 % intervals.
        clusters: the group of each item, where items are not independent.

    Raises:
        ValueError: not one right answer per item, or an item asked in fewer than two orders.
    """
    if len(answers) != len(gold):
        raise ValueError(f"{len(answers)} items need as many right answers, got {len(gold)}")
    for number, given in enumerate(answers):
        if len(given) < 2:
            raise ValueError(f"item {number} was asked in {len(given)} orders: ask in two or more")
    changed = [float(len(set(given)) > 1) for given in answers]
    right = [
        sum(one == wanted for one in given) / len(given)
        for given, wanted in zip(answers, gold, strict=True)
    ]
    always = [float(share == 1) for share in right]
    return OrderSensitivity(
        share_interval(changed, confidence=confidence, clusters=clusters),
        mean_interval(right, confidence=confidence, clusters=clusters),
        share_interval(always, confidence=confidence, clusters=clusters),
    )
