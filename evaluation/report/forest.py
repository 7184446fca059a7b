"""A forest plot as SVG: differences with their intervals against the line of no difference."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _LABEL, _VALUE, _ROW, _TOP = 760, 230, 150, 30, 26


class ForestRow(NamedTuple):
    """One difference; low and high are the ends of its interval, in points of accuracy."""

    label: str
    estimate: float
    low: float
    high: float
    word: str


def forest_plot(rows: Sequence[ForestRow]) -> Markup:
    """Return the plot, in points (1 = one item in a hundred); words stand beside the colours."""
    reach = max([10.0, *(abs(end) for row in rows for end in (row.low, row.high))])
    reach = 10.0 * -(-reach // 10)
    height = _TOP + _ROW * len(rows) + 10
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-label="Differences with their intervals" class="forest">'
    ]
    for tick in (-reach, -reach / 2, 0.0, reach / 2, reach):
        x = _x(tick, reach)
        kind = "zero" if tick == 0 else "tick"
        parts.append(
            f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - 8}"/>'
        )
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="16" text-anchor="middle">{_signed(tick)}</text>'
        )
    for number, row in enumerate(rows):
        parts.append(_row(row, y=_TOP + _ROW * number + _ROW / 2, reach=reach))
    return Markup("".join([*parts, "</svg>"]))


def _row(row: ForestRow, *, y: float, reach: float) -> str:
    low, middle, high = (_x(value, reach) for value in (row.low, row.estimate, row.high))
    kind = {"better": "better", "worse": "worse"}.get(row.word, "open")
    value = f"{row.estimate:+.1f} ({row.low:+.1f} to {row.high:+.1f})".replace("-", "−")
    return (
        f'<text x="0" y="{y + 5:.1f}">{escape(row.label)}</text>'
        f'<g class="{kind}"><line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<rect x="{middle - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/></g>'
        f'<text x="{_WIDTH}" y="{y + 5:.1f}" text-anchor="end">{escape(value)}</text>'
    )


def _signed(tick: float) -> str:
    return f"{tick:+.0f}".replace("-", "−") if tick else "0"


def _x(value: float, reach: float) -> float:
    room = _WIDTH - _LABEL - _VALUE - 20
    return _LABEL + room * (value + reach) / (2 * reach)
