"""Escape rate against bias current: Fulton-Dunkelberger points and the fitted rate of each histogram."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from mqtctl.notation import Scale
from mqtctl.report.content import Content, PointContent
from mqtctl.report.style import TemperatureColors, plain_ticks, tidy

__all__ = ["MOST_TEMPERATURES", "draw_rate_points", "draw_rates", "rate_points"]

MOST_TEMPERATURES = 16  # more curves than this cannot be told apart


def rate_points(content: Content) -> tuple[PointContent, ...]:
    """Return the points to draw, cold to warm: all, or evenly chosen ones where there are too many."""
    usable = [p for p in content.drawn if p.rates is not None and p.rates.bias_current.size > 0]
    if len(usable) <= MOST_TEMPERATURES:
        return tuple(usable)
    chosen = np.unique(np.linspace(0, len(usable) - 1, MOST_TEMPERATURES).round().astype(int))
    return tuple(usable[k] for k in chosen)


def draw_rates(figure: Figure, content: Content) -> None:
    """Draw the rates on a logarithmic scale, coloured by bath temperature."""
    points = rate_points(content)
    axes = figure.subplots()
    scale = Scale.of([float(np.median(p.switching_currents)) for p in points], "A")
    colors = TemperatureColors([p.temperature for p in points])
    draw_rate_points(axes, points, scale, colors)
    axes.yaxis.set_major_locator(LogLocator(numticks=12))
    tidy(axes)
    axes.set_xlabel(f"Bias current ({scale.name})")
    axes.set_ylabel("Escape rate Γ (1/s)")
    _name_temperatures(figure, axes, points, colors)


def draw_rate_points(axes: Axes, points: tuple[PointContent, ...], scale: Scale, colors: TemperatureColors) -> None:
    """Draw the rates of all points with the fitted lines, on an axis that fits the points."""
    for point in points:
        _draw_point(axes, point, scale, colors(point.temperature))
    axes.set_yscale("log", nonpositive="clip")
    _limit_rates(axes, points)


def _draw_point(axes: Axes, point: PointContent, scale: Scale, color: tuple[float, float, float, float]) -> None:
    """Draw one temperature's rates with their one-sigma intervals and the fitted line."""
    rates = point.rates
    if rates is None:
        return
    axes.errorbar(
        rates.bias_current / scale.factor,
        rates.rate,
        yerr=(
            np.clip(rates.rate - rates.rate_low, 0.0, None),
            np.clip(rates.rate_high - rates.rate, 0.0, None),
        ),
        fmt="o",
        markersize=2.4,
        markeredgewidth=0.0,
        elinewidth=0.7,
        color=color,
        alpha=0.85,
    )
    if point.fitted_rate is not None:
        axes.plot(point.fitted_rate.x / scale.factor, point.fitted_rate.y, color=color, linewidth=1.3)


def _limit_rates(axes: Axes, points: tuple[PointContent, ...]) -> None:
    """Fit the rate axis to the points and not to the ends of the fitted lines or of the error bars."""
    rates = np.concatenate([p.rates.rate for p in points if p.rates is not None] or [np.array([1.0])])
    rates = rates[np.isfinite(rates) & (rates > 0.0)]
    if rates.size:
        axes.set_ylim(0.4 * float(rates.min()), 2.5 * float(rates.max()))


def _name_temperatures(figure: Figure, axes: Axes, points: tuple[PointContent, ...], colors: TemperatureColors) -> None:
    """Add a colour bar in units of temperature; for a single temperature write it down."""
    scale = Scale.of([p.temperature for p in points], "K")
    if not colors.several:
        if points and np.isfinite(points[0].temperature):
            axes.set_title(f"Bath temperature {points[0].temperature / scale.factor:.4g} {scale.name}", loc="left")
        return
    bar = figure.colorbar(ScalarMappable(colors.norm, colors.map), ax=axes, pad=0.015, aspect=32)
    bar.set_label(f"Bath temperature ({scale.name})")
    plain_ticks(bar.ax.yaxis, float(colors.norm.vmin or 1.0), float(colors.norm.vmax or 1.0), scale.factor)
