"""How every figure looks: size, fonts, colours, axes; and the one place that renders to PNG.

Figures are drawn without pyplot and under matplotlib's own defaults, so that neither a user's
matplotlibrc (LaTeX text, dark style) nor another thread changes them.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

__all__ = [
    "COLD",
    "GUIDE",
    "INK",
    "MARK",
    "THEORY",
    "TemperatureColors",
    "inches",
    "log_axis",
    "plain_ticks",
    "render",
    "tidy",
]

RESOLUTION = 220  # dots per inch
WIDTH = 14.0  # cm
TEXT_SIZE = 10.0  # pt
SMALL_TEXT_SIZE = 9.4  # pt: nothing is smaller, so that printed 12 cm wide it is still 8 pt

# Okabe and Ito's palette, which stays apart for colour-blind eyes
INK = "#1a1a1a"
COLD = "#0072B2"  # measured, and the saturation
MARK = "#D55E00"  # the crossover
THEORY = "#009E73"  # what theory says
GUIDE = "#7f7f7f"  # guides to the eye

_lock = threading.Lock()  # matplotlib's settings are global to the process


def inches(centimetres: float) -> float:
    """Return a length given in cm in inches."""
    return centimetres / 2.54


def _settings() -> dict[Any, Any]:
    """Return matplotlib's defaults, less those that choose a backend or a folder, plus ours."""
    keep_out = ("backend", "interactive", "toolbar", "webagg", "savefig.directory", "timezone", "docstring")
    settings: dict[Any, Any] = {
        key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith(keep_out)
    }
    return settings | {
        "font.size": TEXT_SIZE,
        "axes.titlesize": TEXT_SIZE,
        "axes.labelsize": TEXT_SIZE,
        "legend.fontsize": SMALL_TEXT_SIZE,
        "xtick.labelsize": SMALL_TEXT_SIZE,
        "ytick.labelsize": SMALL_TEXT_SIZE,
        "axes.linewidth": 0.8,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "lines.linewidth": 1.2,
        "legend.frameon": True,
        "legend.framealpha": 0.9,
        "legend.edgecolor": "none",
        "xtick.direction": "in",
        "ytick.direction": "in",
        "mathtext.fontset": "dejavusans",
    }


def render(
    draw: Callable[[Figure], object], width: float = WIDTH, height: float = 9.5, mark: str = "", kind: str = "png"
) -> bytes:
    """Draw a figure of `width` x `height` (cm), `mark` pale across it, and return it as PNG at 220 dots per inch.

    Other kinds are "pdf" and "svg", which carry no date, so that the same data make the same file.
    """
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind)
    with _lock, mpl.rc_context(_settings() | {"svg.hashsalt": "mqtctl"}):
        figure = Figure(figsize=(inches(width), inches(height)), layout="constrained")
        draw(figure)
        if mark:
            # above everything, so that no legend hides it, and so pale that it hides nothing
            look: dict[str, Any] = {"fontsize": 40, "fontweight": "bold", "color": MARK, "alpha": 0.16, "zorder": 100}
            figure.text(0.5, 0.5, mark, ha="center", va="center", rotation=28, **look)
        buffer = io.BytesIO()
        if kind == "png":  # as `savefig` does it, which draws everything twice, the first time for the layout alone
            figure.set_dpi(RESOLUTION)
            figure.set_facecolor("white")
            FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
        else:
            figure.savefig(buffer, format=kind, dpi=RESOLUTION, facecolor="white", metadata=undated)
        return buffer.getvalue()


def tidy(axes: Axes) -> None:
    """Ticks on all four sides and a faint grid, as printed figures in this field have."""
    axes.tick_params(which="both", top=True, right=True)
    axes.grid(visible=True, which="major", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


def plain_ticks(axis: Axis, low: float, high: float, factor: float = 1.0) -> None:
    """Write plain numbers at the ticks of a logarithmic axis from `low` to `high`, divided by `factor`.

    Over less than a factor of four the ticks are evenly spaced numbers, over more they are 1, 2, 5.
    """
    axis.set_major_locator(
        MaxNLocator(5, steps=[1, 2, 5, 10]) if high / low < 4.0 else LogLocator(subs=(1.0, 2.0, 5.0), numticks=40)
    )
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / factor:g}"))
    axis.set_minor_formatter(NullFormatter())


def log_axis(axis: Axis, values: Iterable[float], margin: float = 1.25) -> None:
    """Make `axis` logarithmic around the positive finite `values`, with plain numbers at its ticks."""
    axes = axis.axes
    setter, limits = (axes.set_xscale, axes.set_xlim) if axis is axes.xaxis else (axes.set_yscale, axes.set_ylim)
    setter("log", nonpositive="clip")
    usable = [float(v) for v in values if math.isfinite(v) and v > 0.0]
    low, high = (min(usable) / margin, max(usable) * margin) if usable else (0.1, 10.0)
    limits(low, high)
    plain_ticks(axis, low, high)


class TemperatureColors:
    """One colour for each bath temperature, cold blue to warm orange, on a logarithmic scale."""

    def __init__(self, temperatures: Sequence[float]) -> None:
        usable = [t for t in temperatures if math.isfinite(t) and t > 0.0] or [1.0]
        low, high = min(usable), max(usable)
        self.several = high > 1.001 * low
        self.norm = LogNorm(low, high if self.several else 2.0 * low)
        # the yellow end of 'plasma' is too pale on white paper
        self.map: Colormap = LinearSegmentedColormap.from_list(
            "bath", mpl.colormaps["plasma"](np.linspace(0.0, 0.8, 64))
        )

    def __call__(self, temperature: float) -> tuple[float, float, float, float]:
        """Return the colour of `temperature` (K), black where it cannot be placed."""
        if not (math.isfinite(temperature) and temperature > 0.0):
            return (0.0, 0.0, 0.0, 1.0)
        red, green, blue, alpha = self.map(float(self.norm(temperature)))
        return (red, green, blue, alpha)
