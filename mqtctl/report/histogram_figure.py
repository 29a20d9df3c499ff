"""The switching histograms of a sweep, one above the other from cold to warm, with the fitted densities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mqtctl.notation import MISSING, Scale, scaled_number
from mqtctl.report.content import Content, PointContent
from mqtctl.report.style import INK, TemperatureColors, tidy

__all__ = ["draw_histograms", "histogram_height", "histogram_points"]

_OVERLAP = 1.35  # height of a histogram in units of the distance to the next
_LEAST_SWITCHES = 2


def histogram_points(content: Content) -> tuple[PointContent, ...]:
    """Return the points that have enough switches to draw."""
    return tuple(p for p in content.drawn if p.switching_currents.size >= _LEAST_SWITCHES)


def histogram_height(content: Content) -> float:
    """Return the figure's height in cm: room for each histogram, at most a page."""
    return min(max(3.6 + 0.6 * len(histogram_points(content)), 7.5), 19.0)


def bin_edges(currents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose equal bins for `currents` (n_switch,) in A after Freedman and Diaconis, at least 5 and at most 120.

    The range leaves out what lies more than ten interquartile ranges away, so that one stray
    switch does not squeeze the histogram into two bins.
    """
    low, high = np.quantile(currents, (0.25, 0.75))
    spread = float(high - low)
    if spread <= 0.0:  # more than half the switches at one current
        half = max(float(np.ptp(currents)), 1e-6 * abs(float(low)), 1e-15)
        return np.linspace(float(low) - half, float(high) + half, 6)
    inside = currents[(currents > low - 10.0 * spread) & (currents < high + 10.0 * spread)]
    start, stop = float(inside.min()), float(inside.max())
    count = math.ceil((stop - start) / (2.0 * spread / currents.size ** (1.0 / 3.0)))
    return np.linspace(start, stop, min(max(count, 5), 120) + 1)


def draw_histograms(figure: Figure, content: Content) -> None:
    """Draw the histograms as ridges, each scaled to the same height, widths written on the right."""
    points = histogram_points(content)
    axes = figure.subplots()
    scale = Scale.of([float(np.median(p.switching_currents)) for p in points], "A")
    colors = TemperatureColors([p.temperature for p in points])
    for level, point in enumerate(points):
        # the lower ridge lies in front of the one behind it
        _draw_ridge(axes, point, level, scale, colors(point.temperature), depth=3.0 * (len(points) - level))
    tidy(axes)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"Switching current ({scale.name})")
    axes.set_ylim(-0.25, max(len(points) - 1, 0) + _OVERLAP + 0.15)
    _label_levels(axes, points, histogram_height(content))
    if any(p.density is not None for p in points):
        line = Line2D([], [], color=INK, linewidth=1.0, label="fit of each histogram alone")
        figure.legend(handles=[line], loc="outside upper right")


def _draw_ridge(
    axes: Axes,
    point: PointContent,
    level: int,
    scale: Scale,
    color: tuple[float, float, float, float],
    depth: float,
) -> None:
    """Draw one histogram standing at height `level`, with its density."""
    edges = bin_edges(point.switching_currents)
    counts, _ = np.histogram(point.switching_currents, edges)
    # probability density with every switch counted, also those outside the bins
    density = counts / (point.switching_currents.size * np.diff(edges))
    highest = float(density.max()) if density.max() > 0.0 else 1.0
    if point.density is not None:
        highest = max(highest, float(np.nanmax(point.density.y)))
    x = edges / scale.factor
    top = level + _OVERLAP * density / highest
    axes.stairs(top, x, baseline=level, fill=True, color="white", zorder=depth)
    axes.stairs(top, x, baseline=level, fill=True, color=color, alpha=0.38, zorder=depth + 0.2)
    axes.stairs(top, x, baseline=level, color=color, linewidth=0.7, zorder=depth + 0.4)
    if point.density is not None:
        curve = point.density
        axes.plot(
            curve.x / scale.factor,
            level + _OVERLAP * curve.y / highest,
            color=INK,
            linewidth=1.0,
            zorder=depth + 0.6,
        )
    axes.axhline(level, color="#c8c8c8", linewidth=0.5, zorder=depth - 0.1)


def _label_levels(axes: Axes, points: Sequence[PointContent], height: float) -> None:
    """Write the bath temperature left of each ridge and its width right of it."""
    step = max(math.ceil(0.42 * len(points) / max(height - 2.0, 1.0)), 1)  # 0.42 cm: a line of small text
    levels = range(0, len(points), step)
    temperature_scale = Scale.of([p.temperature for p in points], "K")
    width_scale = Scale.of([p.std.value for p in points], "A")
    baths = [points[k].temperature / temperature_scale.factor for k in levels]
    names = [f"{bath:#.4g}".rstrip(".") if math.isfinite(bath) else MISSING for bath in baths]
    axes.set_yticks(list(levels), names, va="bottom")
    axes.set_ylabel(f"Bath temperature ({temperature_scale.name})")
    axes.tick_params(axis="y", length=0)
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    widths = [scaled_number(points[k].std, width_scale) for k in levels]
    right.set_yticks(list(levels), widths, va="bottom")
    right.tick_params(axis="y", length=0)
    right.set_ylabel(f"Standard deviation σ ({width_scale.name})")
