"""Single plots for notebooks: each draws into axes that are given, or into new ones of pyplot, and returns them.

The report's figures (`writer`) are whole pages and are drawn without pyplot; these are theirs in plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mqtctl.analysis.histogram.results import PointFit
from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.notation import Scale
from mqtctl.records import Sweep
from mqtctl.report.content import Content
from mqtctl.report.gather import gather
from mqtctl.report.histogram_figure import bin_edges, histogram_points
from mqtctl.report.rate_figure import draw_rate_points, rate_points
from mqtctl.report.style import COLD, GUIDE, INK, TemperatureColors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_escape_temperatures", "plot_histograms", "plot_rates"]


def plot_histograms(sweep: Sweep, fit: SweepFit | PointFit | None = None, axes: Axes | None = None) -> Axes:
    """Plot the probability density of the switching currents, and the fitted law of each histogram.

    Parameters
    ----------
    sweep
        The histograms; of one alone `Sweep((histogram,), junction)`.
    fit
        What `fit_sweep` or, for one histogram, `fit_point` returned; None: the data only.
    axes
        Where it is drawn; None: a new figure.
    """
    axes, content = _axes(axes), _content(sweep, fit)
    points = histogram_points(content)
    scale = Scale.of([float(np.median(p.switching_currents)) for p in points], "A")
    colors = TemperatureColors([p.temperature for p in points])
    for point in points:
        edges = bin_edges(point.switching_currents)
        counts, _ = np.histogram(point.switching_currents, edges)
        density = counts / (point.switching_currents.size * np.diff(edges))
        color = colors(point.temperature)
        axes.stairs(density * scale.factor, edges / scale.factor, fill=True, color=color, alpha=0.4)
        if point.density is not None:
            axes.plot(point.density.x / scale.factor, point.density.y * scale.factor, color=INK, linewidth=1.0)
    axes.set_xlabel(f"Switching current ({scale.name})")
    axes.set_ylabel(f"Probability density (1/{scale.name})")
    return axes


def plot_rates(sweep: Sweep, fit: SweepFit | PointFit | None = None, axes: Axes | None = None) -> Axes:
    """Plot the escape rates after Fulton and Dunkelberger over the current; parameters as for `plot_histograms`."""
    axes, content = _axes(axes), _content(sweep, fit)
    points = rate_points(content)
    scale = Scale.of([float(np.median(p.switching_currents)) for p in points], "A")
    draw_rate_points(axes, points, scale, TemperatureColors([p.temperature for p in points]))
    axes.set_xlabel(f"Bias current ({scale.name})")
    axes.set_ylabel("Escape rate Γ (1/s)")
    return axes


def plot_escape_temperatures(fit: SweepFit, axes: Axes | None = None) -> Axes:
    """Plot the escape temperatures of a sweep over the bath temperature: shared critical current, and each alone.

    Parameters
    ----------
    fit
        What `fit_sweep` returned.
    axes
        Where it is drawn; None: a new figure.
    """
    axes = _axes(axes)
    scale = Scale.of([p.temperature for p in fit.points], "K")
    kinds = (
        ("shared critical current", COLD, [(p.temperature, p.shared) for p in fit.points]),
        ("each histogram alone", GUIDE, [(p.temperature, p.alone) for p in fit.points]),
    )
    for label, color, found in kinds:
        usable = [(bath, one) for bath, one in found if one is not None and one.converged]
        if usable:
            axes.errorbar(
                [bath / scale.factor for bath, _ in usable],
                [one.escape_temperature / scale.factor for _, one in usable],
                yerr=[
                    one.escape_temperature_stderr / scale.factor if np.isfinite(one.escape_temperature_stderr) else 0.0
                    for _, one in usable
                ],
                fmt="o",
                color=color,
                label=label,
            )
    ends = [p.temperature / scale.factor for p in fit.points if p.temperature > 0.0]
    if ends:
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=GUIDE, linewidth=0.8, label="bath temperature")
        axes.legend()
    axes.set_xlabel(f"Bath temperature ({scale.name})")
    axes.set_ylabel(f"Escape temperature ({scale.name})")
    return axes


def _axes(axes: Axes | None) -> Axes:
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def _content(sweep: Sweep, fit: SweepFit | PointFit | None) -> Content:
    if isinstance(fit, PointFit):
        fit = SweepFit(title=sweep.title, junction=sweep.junction, points=(fit,))
    return gather(sweep, fit)
