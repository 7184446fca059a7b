"""Curves over steps as SVG: each line carries its name, so that no colour is needed to read it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 96, 12, 30
_MOST_POINTS = 400
_NUM_TICKS = 4
_LABEL_HEIGHT = 14


class Curve(NamedTuple):
    """One line."""

    name: str
    """Stands at the line's end; may be empty for a single one."""
    steps: Sequence[int]
    values: Sequence[float]


def curves(lines: Sequence[Curve], *, title: str) -> Markup:
    """Return the lines in one frame, with round ticks; empty when there is nothing to draw."""
    lines = [_thinned(line) for line in lines if line.values]
    if not lines:
        return Markup("")
    ticks = _ticks([value for line in lines for value in line.values])
    frame = _Frame(
        first=min(line.steps[0] for line in lines),
        last=max(line.steps[-1] for line in lines),
        low=ticks[0],
        high=ticks[-1],
    )
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}" '
        'class="curve">',
        *(_grid_line(frame, tick) for tick in ticks),
        *_step_labels(frame),
    ]
    label_places = _apart([frame.y(line.values[-1]) for line in lines])
    for number, (line, place) in enumerate(zip(lines, label_places, strict=True)):
        points = " ".join(
            f"{frame.x(step):.1f},{frame.y(value):.1f}"
            for step, value in zip(line.steps, line.values, strict=True)
        )
        end = (frame.x(line.steps[-1]), frame.y(line.values[-1]))
        parts.append(
            f'<g class="line{number % 5}"><polyline points="{points}"/>'
            f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="2.5"/>'
            f'<text x="{_WIDTH - _RIGHT + 8}" y="{place + 4:.1f}">{escape(line.name)} '
            f"{short(line.values[-1])}</text></g>"
        )
    return Markup("".join([*parts, "</svg>"]))


def short(value: float) -> str:
    """Return four significant digits, without an exponent where that is shorter to read."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.2e}"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", "\u202f")


class _Frame(NamedTuple):
    """From step and value to place."""

    first: int
    last: int
    low: float
    high: float

    def x(self, step: float) -> float:
        width = _WIDTH - _LEFT - _RIGHT
        return _LEFT + width * (step - self.first) / max(1, self.last - self.first)

    def y(self, value: float) -> float:
        height = _HEIGHT - _TOP - _BOTTOM
        return _TOP + height * (self.high - value) / (self.high - self.low)


def _grid_line(frame: _Frame, tick: float) -> str:
    y = frame.y(tick)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>'
    )


def _step_labels(frame: _Frame) -> list[str]:
    span = frame.last - frame.first
    steps = sorted(
        {frame.first + round(span * part / _NUM_TICKS) for part in range(_NUM_TICKS + 1)}
    )
    y = _HEIGHT - _BOTTOM + 18
    labels = [
        f'<text class="axis" x="{frame.x(step):.1f}" y="{y}" text-anchor="middle">{step}</text>'
        for step in steps
    ]
    return [*labels, f'<text class="axis" x="{_WIDTH - _RIGHT + 30}" y="{y}">step</text>']


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers that enclose the values."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    rough = span / _NUM_TICKS
    power = 10 ** math.floor(math.log10(rough))
    size = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
    first, last = math.floor(low / size), math.ceil(high / size)
    return [number * size for number in range(first, max(last, first + 1) + 1)]


def _thinned(line: Curve) -> Curve:
    """Return at most some hundred points, each the mean of its neighbours; the last one stays."""
    group = math.ceil(len(line.values) / _MOST_POINTS)
    if group == 1:
        return line
    starts = range(0, len(line.values), group)
    steps = [line.steps[min(start + group, len(line.steps)) - 1] for start in starts]
    parts = [line.values[start : start + group] for start in starts]
    return Curve(line.name, steps, [sum(part) / len(part) for part in parts])


def _apart(places: Sequence[float]) -> list[float]:
    """Return the label places moved down where they would cover each other."""
    moved = list(places)
    free = -math.inf
    for index in sorted(range(len(places)), key=places.__getitem__):
        moved[index] = max(places[index], free)
        free = moved[index] + _LABEL_HEIGHT
    over = max(0.0, free - _LABEL_HEIGHT - (_HEIGHT - _BOTTOM))
    return [place - over for place in moved]
