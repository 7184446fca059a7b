"""The report's pictures as SVG; every bar stands with its number, so that no colour is needed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _LABEL, _VALUE = 760, 210, 130
_ROW, _BAR = 26, 15
_PLOT_HEIGHT, _TOP, _BOTTOM = 150, 14, 34


class Bar(NamedTuple):
    """One line of a bar chart: parts that are laid end to end."""

    label: str
    parts: Mapping[str, float]
    """Length by kind; the kind is the part's CSS class and says its colour."""
    value: str
    """What stands behind the bar."""


def bars(rows: Sequence[Bar], *, title: str, relative: bool = False) -> Markup:
    """Return horizontal bars; ``relative`` draws each line in its own whole width."""
    longest = max((sum(row.parts.values()) for row in rows), default=0) or 1
    height = _ROW * len(rows) + 4
    parts = [_open(height, title)]
    for number, row in enumerate(rows):
        whole = (sum(row.parts.values()) or 1) if relative else longest
        y, x = _ROW * number + 4, float(_LABEL)
        parts.append(f'<text x="0" y="{y + 12}">{escape(row.label)}</text>')
        for kind, length in row.parts.items():
            width = (_WIDTH - _LABEL - _VALUE) * length / whole
            if width > 0:
                parts.append(
                    f'<rect class="{escape(kind)}" x="{x:.1f}" y="{y}" width="{max(width, 1):.1f}" '
                    f'height="{_BAR}"/>'
                )
            x += width
        parts.append(f'<text class="axis" x="{x + 8:.1f}" y="{y + 12}">{escape(row.value)}</text>')
    return Markup("".join([*parts, "</svg>"]))


def histogram(
    edges: Sequence[int], kept: Sequence[int], dropped: Sequence[int], *, title: str
) -> Markup:
    """Return two columns a bin, kept and dropped rows; numbers above, lower edges below."""
    highest = max([*kept, *dropped, 1])
    step = _WIDTH / len(edges)
    width = step * 0.4
    parts = [_open(_TOP + _PLOT_HEIGHT + _BOTTOM, title)]
    for number, (edge, *pair) in enumerate(zip(edges, kept, dropped, strict=True)):
        left = step * number + step * 0.08
        for place, (kind, value) in enumerate(zip(("kept", "dropped"), pair, strict=True)):
            height = _PLOT_HEIGHT * value / highest
            x, y = left + width * place, _TOP + _PLOT_HEIGHT - height
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" '
                f'height="{height:.1f}"/>'
            )
            if value:
                parts.append(
                    f'<text class="tiny" x="{x + width / 2:.1f}" y="{y - 3:.1f}" '
                    f'text-anchor="middle">{_short(value)}</text>'
                )
        parts.append(
            f'<text class="axis" x="{left + width:.1f}" y="{_TOP + _PLOT_HEIGHT + 16}" '
            f'text-anchor="middle">{_short(edge)}</text>'
        )
    return Markup("".join([*parts, "</svg>"]))


def _open(height: int, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        'class="plot">'
    )


def _short(number: int) -> str:
    """Return at most four characters: 999, 1.2k, 64k, 1.2M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return (
                f"{value:.1f}".removesuffix(".0") + letter if value < 10 else f"{value:.0f}{letter}"
            )
    return str(number)
