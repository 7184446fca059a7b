"""A forest plot as SVG: differences with their intervals against the line of no difference."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _LABEL, _VALUE, _ROW, _TOP = 760, 250, 160, 24, 26


class ForestRow(NamedTuple):
    """One difference; low and high are the ends of its interval, in points (1 = 0.01)."""

    label: str
    estimate: float
    low: float
    high: float
    word: str
    is_summary: bool = False
    """Of several rows: drawn as a diamond, its label bold."""


def forest_plot(rows: Sequence[ForestRow | str]) -> Markup:
    """Return the plot, in points; words stand beside the colours. A plain text is a heading."""
    drawn = [row for row in rows if not isinstance(row, str)]
    reach = max([10.0, *(abs(end) for row in drawn for end in (row.low, row.high))])
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
    for place, row in enumerate(rows):
        y = _TOP + _ROW * place + _ROW / 2
        if isinstance(row, str):
            parts.append(f'<text class="head" x="0" y="{y + 6:.1f}">{escape(row)}</text>')
        else:
            parts.append(_row(row, y=y, reach=reach))
    return Markup("".join([*parts, "</svg>"]))


def _row(row: ForestRow, *, y: float, reach: float) -> str:
    low, middle, high = (_x(value, reach) for value in (row.low, row.estimate, row.high))
    kind = {"better": "better", "worse": "worse"}.get(row.word, "open")
    value = f"{row.estimate:+.1f} ({row.low:+.1f} to {row.high:+.1f})".replace("-", "−")
    weight = ' class="sum"' if row.is_summary else ""
    return (
        f'<text{weight} x="0" y="{y + 4:.1f}">{escape(row.label)}</text>'
        f'<g class="{kind}"><line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f"{_mark(middle, y, is_summary=row.is_summary)}</g>"
        f'<text{weight} x="{_WIDTH}" y="{y + 4:.1f}" text-anchor="end">{escape(value)}</text>'
    )


def _mark(x: float, y: float, *, is_summary: bool) -> str:
    if is_summary:
        corners = f"{x - 7:.1f},{y:.1f} {x:.1f},{y - 7:.1f} {x + 7:.1f},{y:.1f} {x:.1f},{y + 7:.1f}"
        return f'<polygon points="{corners}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'


def _signed(tick: float) -> str:
    return f"{tick:+.0f}".replace("-", "−") if tick else "0"


def _x(value: float, reach: float) -> float:
    room = _WIDTH - _LABEL - _VALUE - 20
    return _LABEL + room * (value + reach) / (2 * reach)
