"""What depends on bath temperature: the histograms' width, and the escape temperature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from mqtctl.notation import NOTHING, Estimate, Scale, finite, number
from mqtctl.report.content import Content, Curve, PointContent
from mqtctl.report.style import COLD, GUIDE, INK, MARK, THEORY, log_axis, tidy

LineStyle = str | tuple[int, tuple[int, ...]]  # matplotlib also takes (offset, dashes in points)

__all__ = ["draw_escape_temperatures", "draw_widths", "guide_line", "saturated_width"]


def saturated_width(content: Content) -> Estimate:
    """Return the mean width in A of the saturated points, weighted by their standard errors."""
    points = [p for p in content.by_temperature if p.saturated and p.std]
    if not points:
        return NOTHING
    values = np.array([float(p.std.value or 0.0) for p in points])
    errors = np.array([p.std.error for p in points])
    if np.any(errors <= 0.0):
        return Estimate(float(values.mean()))
    weights = errors**-2
    return Estimate(float(np.sum(weights * values) / weights.sum()), float(weights.sum() ** -0.5))


def guide_line(content: Content) -> Curve | None:
    """Return the T^(2/3) line through the warmest points (T in K, width in A), None without thermal points.

    The line is anchored at the geometric mean of the warmer half of the thermal points: there
    the escape is thermal beyond doubt, and what bends away from the line is seen at the cold end.
    """
    thermal = [p for p in content.by_temperature if p.thermal and p.std and float(p.std.value or 0.0) > 0.0]
    if not thermal:
        return None
    warm = thermal[len(thermal) // 2 :]
    log_temperature = float(np.mean([np.log(p.temperature) for p in warm]))
    log_width = float(np.mean([np.log(float(p.std.value or 1.0)) for p in warm]))
    temperatures = np.array([p.temperature for p in content.by_temperature])
    x = np.geomspace(temperatures.min() / 1.25, temperatures.max() * 1.25, 64)
    return Curve(x, np.exp(log_width + (np.log(x) - log_temperature) * 2.0 / 3.0))


def _error_bars(
    axes: Axes,
    points: Sequence[PointContent],
    estimates: Sequence[Estimate],
    scales: tuple[Scale, Scale],
    **style: object,
) -> None:
    """Draw estimates over bath temperature, each with the standard error of both coordinates."""
    drawn = [(p, e) for p, e in zip(points, estimates, strict=True) if e and float(e.value or 0.0) > 0.0]
    if not drawn:
        return
    look = {"fmt": "o", "markersize": 4.5, "elinewidth": 1.0, "capsize": 2.0, "linestyle": "none", **style}
    across, up = scales
    axes.errorbar(
        [p.temperature / across.factor for p, _ in drawn],
        [float(e.value or 0.0) / up.factor for _, e in drawn],
        xerr=[p.temperature_std / across.factor if finite(p.temperature_std) else 0.0 for p, _ in drawn],
        yerr=[e.error / up.factor for _, e in drawn],
        **look,  # type: ignore[arg-type]  # keyword names are matplotlib's
    )


def _level(axes: Axes, estimate: Estimate, scale: Scale, color: str, label: str, style: str) -> None:
    """Draw a horizontal line at `estimate` with its one-sigma band, its value in the legend; nothing if out of view."""
    value, error = _scaled(estimate, scale)
    low, high = axes.get_ylim()
    if not low < value < high:
        return
    text = f"{label}: {number(value, error)} {scale.name}"
    axes.axhline(value, color=color, linestyle=style, linewidth=1.1, label=text)
    if error > 0.0:
        axes.axhspan(value - error, value + error, color=color, alpha=0.16, linewidth=0.0)


def _crossover(axes: Axes, estimate: Estimate, scale: Scale, color: str, label: str, style: LineStyle) -> None:
    """Draw a vertical line at a crossover temperature with its one-sigma band; nothing if out of view."""
    value, error = _scaled(estimate, scale)
    low, high = axes.get_xlim()
    if not low < value < high:
        return
    text = f"{label}: {number(value, error)} {scale.name}"
    axes.axvline(value, color=color, linestyle=style, linewidth=1.1, label=text)
    if error > 0.0:
        axes.axvspan(value - error, value + error, color=color, alpha=0.14, linewidth=0.0)


def _scaled(estimate: Estimate, scale: Scale) -> tuple[float, float]:
    """Return value and error of an estimate in the unit of `scale`; NaN and 0 where it is missing."""
    value = float(estimate.value) if estimate.value is not None else float("nan")
    return value / scale.factor, estimate.error / scale.factor


def _panels(figure: Figure, content: Content) -> tuple[Axes, Axes | None]:
    """Return the main axes and, where there is a theory to divide by, a flat one below it."""
    if content.theory is None:
        return figure.subplots(), None
    main, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1.0))
    return main, below


def _ratio(
    axes: Axes, points: Sequence[PointContent], estimates: Sequence[Estimate], theory: Curve, across: Scale
) -> None:
    """Draw estimates divided by the theory at the same bath temperature: here the error bars can be seen."""
    ratios = []
    for point, estimate in zip(points, estimates, strict=True):
        expected = float(np.interp(point.temperature, theory.x, theory.y))
        usable = estimate and expected > 0.0
        ratios.append(
            Estimate(float(estimate.value or 0.0) / expected, estimate.error / expected) if usable else NOTHING
        )
    axes.axhline(1.0, color=THEORY, linewidth=1.2)
    _error_bars(axes, points, ratios, (across, Scale("", 1.0)), color=INK, markersize=3.5)
    axes.margins(y=0.15)
    tidy(axes)
    axes.set_ylabel("ratio to\ntheory")


def draw_widths(figure: Figure, content: Content) -> None:
    """Draw the standard deviation of the switching current over the bath temperature."""
    axes, below = _panels(figure, content)
    points = content.by_temperature
    across = Scale.of([p.temperature for p in points], "K")
    up = Scale.of([p.std.value for p in points], "A")
    heights = [float(p.std.value) / up.factor for p in points if p.std.value is not None]
    if content.theory is not None:
        heights += (content.theory.width.y / up.factor).tolist()
    _frame(axes, below, content, across, heights)
    axes.set_ylabel(f"Standard deviation σ ({up.name})")
    _error_bars(axes, points, [p.std for p in points], (across, up), color=INK, label="measured", zorder=5)
    if content.theory is not None:
        curve = content.theory.width
        axes.plot(
            curve.x / across.factor, curve.y / up.factor, color=THEORY, label="theory, shared $I_c$, stated $C$, $R$"
        )
    guide = guide_line(content)
    if guide is not None:
        axes.plot(
            guide.x / across.factor,
            guide.y / up.factor,
            "--",
            color=GUIDE,
            label="$\\propto T^{2/3}$, guide to the eye",
        )
    _level(axes, saturated_width(content), up, COLD, "saturated width", "-.")
    _crossover(axes, content.results["crossover_temperature"], across, MARK, "computed crossover $T_0$", ":")
    if below is not None and content.theory is not None:
        _ratio(below, points, [p.std for p in points], content.theory.width, across)
    _legend(figure, axes)


def draw_escape_temperatures(figure: Figure, content: Content) -> None:
    """Draw the escape temperature over the bath temperature, in one unit on both axes."""
    axes, below = _panels(figure, content)
    points = content.by_temperature
    scale = Scale.of([p.temperature for p in points], "K")
    both = (scale, scale)
    free = [p.results["escape_temperature_free"] for p in points]
    shared = [p.results["escape_temperature"] for p in points]
    # a prediction far from what was measured is the very thing to see
    shown = (
        *shared,
        *free,
        content.results["saturation_escape_temperature"],
        content.results["tunnelling_escape_temperature"],
    )
    heights = [float(e.value) / scale.factor for e in shown if e.value is not None]
    if content.theory is not None:
        heights += (content.theory.escape_temperature.y / scale.factor).tolist()
    _frame(axes, below, content, scale, heights)
    axes.set_ylabel(f"$T_\\mathrm{{esc}}$ with $a_t = 1$ ({scale.name})")
    look = {"color": "#8c8c8c", "markerfacecolor": "white", "markersize": 4.0, "zorder": 4}
    _error_bars(axes, points, free, both, fmt="s", label="$I_c$ free in each histogram", **look)
    _error_bars(axes, points, shared, both, color=INK, label="$I_c$ shared by the sweep", zorder=5)
    ends = _ends(points) / scale.factor
    axes.plot(ends, ends, "--", color=GUIDE, label="$T_\\mathrm{esc} = T$")
    _level(axes, content.results["saturation_escape_temperature"], scale, COLD, "saturation", "-.")
    _prediction(axes, content, scale)
    _crossover(axes, content.results["crossover_temperature"], scale, MARK, "computed crossover $T_0$", ":")
    _crossover(
        axes,
        content.results["measured_crossover_temperature"],
        scale,
        "#CC79A7",
        "measured crossover",
        (0, (4, 2, 1, 2)),
    )
    if below is not None and content.theory is not None:
        _ratio(below, points, shared, content.theory.escape_temperature, scale)
    _legend(figure, axes)


def _prediction(axes: Axes, content: Content, scale: Scale) -> None:
    """Draw what tunnelling theory predicts: the curve, and below the crossover its one-sigma band."""
    if content.theory is not None:
        curve = content.theory.escape_temperature
        axes.plot(curve.x / scale.factor, curve.y / scale.factor, color=THEORY, label="theory, all temperatures")
    value, error = _scaled(content.results["tunnelling_escape_temperature"], scale)
    cold_end, warm_end = axes.get_xlim()
    crossover, _ = _scaled(content.results["crossover_temperature"], scale)
    if not axes.get_ylim()[0] < value < axes.get_ylim()[1]:
        return
    axes.fill_between(
        [cold_end, crossover if cold_end < crossover < warm_end else warm_end],
        value - error,
        value + error,
        color=THEORY,
        alpha=0.28,
        linewidth=1.0,
        label=f"tunnelling theory, $T \\to 0$: {number(value, error)} {scale.name}",
    )


def _ends(points: Sequence[PointContent]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the ends in K of the temperature axis, shape (2,)."""
    temperatures = [p.temperature for p in points] or [1.0]
    return np.array([min(temperatures) / 1.25, max(temperatures) * 1.25])


def _frame(axes: Axes, below: Axes | None, content: Content, across: Scale, heights: Sequence[float]) -> None:
    """Set logarithmic axes around the measured points, and the grid."""
    bottom = axes if below is None else below
    log_axis(bottom.xaxis, [p.temperature / across.factor for p in content.by_temperature])
    log_axis(axes.yaxis, heights)
    tidy(axes)
    bottom.set_xlabel(f"Bath temperature ({across.name})")


def _legend(figure: Figure, axes: Axes) -> None:
    """Write the legend above the axes, measured things first: inside no corner is free in every sweep."""
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(handles)), key=lambda k: not isinstance(handles[k], ErrorbarContainer))
    if order:
        figure.legend([handles[k] for k in order], [labels[k] for k in order], loc="outside upper center", ncols=2)
