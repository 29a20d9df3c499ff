"""Plots as SVG inside the page: lines and bars, nothing else; styled by the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mqtctl.notation import Scale, number

__all__ = ["Line", "bars", "lines"]

_WIDTH, _HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 26, 40
#: More points than this cannot be told apart.
_MOST_POINTS = 600


@dataclass(frozen=True)
class Line:
    """A line: points (x, y) and the class of the style sheet that draws it."""

    points: Sequence[tuple[float, float]]
    kind: str


class _Axis:
    """Turns numbers into places between two edges of the plot.

    Parameters
    ----------
    values
        What has to fit in; at least one.
    unit
        SI unit; the prefix is chosen to suit.
    span
        Places of the smallest and the largest value.
    logarithmic
        Whether decades are equally long.
    """

    def __init__(
        self, values: Sequence[float], unit: str, span: tuple[float, float], *, logarithmic: bool = False
    ) -> None:
        self._log = logarithmic
        low, high = (min(values), max(values))
        self.scale = Scale.of([max(abs(low), abs(high))], unit) if unit else Scale("", 1.0)
        low, high = self._flat(low), self._flat(high)
        margin = 0.05 * (high - low) or abs(low) * 0.01 or 1.0
        self._low, self._high = low - margin, high + margin
        self._span = span

    def at(self, value: float) -> float:
        begin, end = self._span
        return begin + (end - begin) * (self._flat(value) - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return where ticks stand and what they say."""
        factor = self.scale.factor
        if self._log:
            decades = range(math.floor(self._low), math.ceil(self._high) + 1)
            values = [m * 10.0**d for d in decades for m in (1, 2, 5)]
            values = [v for v in values if self._low <= math.log10(v) <= self._high]
        else:
            step = _step(self._high - self._low)
            first = math.ceil(self._low / step)
            values = [n * step for n in range(first, math.floor(self._high / step) + 1)]
        digits = 0 if self._log else max(0, -math.floor(math.log10(_step(self._high - self._low) / factor) + 1e-9))
        return [(self.at(v), number(v / factor) if self._log else f"{v / factor:.{digits}f}") for v in values]

    def _flat(self, value: float) -> float:
        return math.log10(value) if self._log else value


def _step(span: float) -> float:
    """Return a round distance between ticks, of which four or so fit."""
    raw = span / 4.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)


def lines(drawn: Sequence[Line], x: tuple[str, str], y: tuple[str, str], *, logarithmic: bool = False) -> str:
    """Return a plot of lines; (name, SI unit) of the axes. Without two points there is nothing to draw: ""."""
    points = [point for line in drawn for point in line.points]
    if len(points) < 2:
        return ""
    across = _Axis([p[0] for p in points], x[1], (_LEFT, _WIDTH - _RIGHT))
    up = _Axis([p[1] for p in points], y[1], (_HEIGHT - _BOTTOM, _TOP), logarithmic=logarithmic)
    paths = "".join(
        f'<polyline class="{line.kind}" points="{_joined(line.points, across, up)}"/>' for line in drawn if line.points
    )
    return _plot(across, up, x[0], y[0], paths)


def bars(counts: Sequence[int], edges: Sequence[float], x: tuple[str, str], y: str) -> str:
    """Return a histogram: counts, and edges in the SI unit of the axis `x`, of which there is one more."""
    if not counts:
        return ""
    across = _Axis(edges, x[1], (_LEFT, _WIDTH - _RIGHT))
    up = _Axis([0, max(counts)], "", (_HEIGHT - _BOTTOM, _TOP))
    floor = up.at(0)
    drawn = "".join(
        f'<rect class="bar" x="{across.at(left):.1f}" y="{up.at(count):.1f}"'
        f' width="{across.at(right) - across.at(left):.1f}" height="{floor - up.at(count):.1f}"/>'
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True)
        if count
    )
    return _plot(across, up, x[0], y, drawn)


def _joined(points: Sequence[tuple[float, float]], across: _Axis, up: _Axis) -> str:
    every = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = [*points[:-1:every], points[-1]]
    return " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in kept)


def _plot(across: _Axis, up: _Axis, x: str, y: str, drawn: str) -> str:
    """Return the plot around what is drawn."""
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    ticks = "".join(
        f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{floor}"/>'
        f'<text x="{at:.1f}" y="{floor + 15}" text-anchor="middle">{text}</text>'
        for at, text in across.ticks()
    )
    ticks += "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{text}</text>'
        for at, text in up.ticks()
    )
    below, beside = _label(x, across.scale), _label(y, up.scale)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{beside} against {below}">{ticks}{drawn}'
        f'<text class="axis" x="{(_LEFT + right) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{below}</text>'
        f'<text class="axis" x="4" y="14">{beside}</text></svg>'
    )


def _label(name: str, scale: Scale) -> str:
    return html.escape(f"{name} / {scale.name}" if scale.name else name)
