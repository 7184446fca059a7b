"""Figures as the sentences of a verdict write them."""


def points(value: float) -> str:
    """Return a difference in points with its sign: ``+1.5``."""
    return f"{100 * value + 0.0:+.1f}"  # + 0.0 turns -0.0 into 0.0


def percent(value: float) -> str:
    """Return a share with as many places as gates need: ``99.50 %``."""
    return f"{100 * value:.2f} %"


def span(low: float, high: float) -> str:
    """Return both ends of a difference: ``-0.9 to +0.4``."""
    return f"{points(low)} to {points(high)}"
