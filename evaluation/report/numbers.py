"""Figures as the page writes them: percent, points with a sign, a dash where nothing is known."""

from collections.abc import Mapping

from markupsafe import Markup

from ...data.manifest import Json

DASH = "–"


def share(figures: Mapping[str, Json] | None, key: str = "value") -> Markup:
    """Return a share in percent with its interval below it."""
    if figures is None or figures.get(key) is None:
        return Markup(DASH)
    percent = f"{100 * number(figures[key]):.1f}"
    return Markup("{}<small>{}</small>").format(percent, span(figures["interval"], sign=""))


def difference(figures: Mapping[str, Json] | None) -> Markup:
    """Return a difference in points with its interval below it."""
    if figures is None or figures.get("interval") is None:
        return Markup(DASH)
    return Markup("{}<small>{}</small>").format(
        points(figures["difference"]), span(figures["interval"])
    )


def percent(value: Json, places: int = 0) -> str:
    """Return a share in percent."""
    return DASH if value is None else f"{100 * number(value):.{places}f} %"


def plain(value: Json) -> str:
    """Return a value in percent without its sign of percent, which may be below 0."""
    return f"{100 * number(value) + 0.0:.1f}".replace("-", "−")


def points(value: Json) -> str:
    """Return a difference in points, with a minus sign that is one."""
    return f"{100 * number(value) + 0.0:+.1f}".replace("-", "−")


def span(interval: Json, sign: str = "+") -> str:
    """Return both ends of an interval, in points."""
    if interval is None:
        return DASH
    assert isinstance(interval, list)
    low, high = (format(100 * number(end) + 0.0, f"{sign}.1f") for end in interval)
    return f"{low} to {high}".replace("-", "−")


def money(usd: Json) -> str:
    """Return dollars, with more places where they are few, or that they are not known."""
    if usd is None:
        return "price unknown"
    dollars = number(usd)
    return f"{dollars:,.2f}" if dollars >= 1 or dollars == 0 else f"{dollars:.2g}"


def open_keys(value: Json) -> dict:
    """Return a JSON object, whose keys are data."""
    assert isinstance(value, dict)
    return value


def number(value: Json) -> float:
    """Return a JSON number."""
    assert isinstance(value, int | float)
    return float(value)
