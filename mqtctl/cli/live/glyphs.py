"""Pictures out of characters: bars of a histogram, a trace in one line, how much of something is done."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["bars", "share_bar", "sparkline"]

_HEIGHTS = " ▁▂▃▄▅▆▇█"
_WIDTHS = " ▏▎▍▌▋▊▉█"


def bars(values: ArrayLike, rows: int) -> list[str]:
    """Return the rows of a bar chart, the top one first; one column for each value, 0 or more, the largest full."""
    heights = np.asarray(values, dtype=np.float64)
    largest = float(heights.max(initial=0.0))
    eighths = np.zeros(heights.shape) if largest <= 0.0 else np.ceil(8 * rows * heights / largest)
    return [
        "".join(_HEIGHTS[int(level)] for level in np.clip(eighths - 8 * row, 0, 8)) for row in reversed(range(rows))
    ]


def sparkline(values: Sequence[float], width: int, low: float = math.inf, high: float = -math.inf) -> str:
    """Return a trace of at most `width` characters; lowest and highest value fill the line's height.

    Parameters
    ----------
    values
        In order of time; more of them than the width are averaged, what is not finite is left out.
    low, high
        Values that are in the picture in any case.
    """
    trace = np.asarray(values, dtype=np.float64)
    trace = trace[np.isfinite(trace)]
    if trace.size == 0 or width < 1:
        return ""
    if trace.size > width:
        trace = np.array([float(part.mean()) for part in np.array_split(trace, width)])
    bottom, top = min(low, float(trace.min())), max(high, float(trace.max()))
    if top - bottom <= 1e-12 * max(abs(top), abs(bottom)):
        return _HEIGHTS[4] * trace.size
    levels: NDArray[np.float64] = 1 + np.round(7 * (trace - bottom) / (top - bottom))
    return "".join(_HEIGHTS[int(level)] for level in levels)


def share_bar(share: float, width: int) -> str:
    """Return a bar of `width` characters, filled to a share between 0 and 1."""
    eighths = round(8 * width * min(max(share, 0.0), 1.0)) if math.isfinite(share) else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_WIDTHS[rest] if rest else "")).ljust(width, "·")[:width]
