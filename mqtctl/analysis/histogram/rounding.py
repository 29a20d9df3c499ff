"""Find the steps to which switching currents were rounded, and the intervals that the values stand for.

A counter, a converter or a program that prints few digits leaves values on a common grid; a staircase source leaves its
own steps, which need not be equal. Either way a value only says between which bounds the ramp switched, and taken as
exact it makes the histogram too wide: by 4 % in temperature for a step of 0.6 widths, 10 % for one width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.records import Histogram

__all__ = ["ROUNDINGS", "Rounding", "find_rounding", "rounding_of"]

ROUNDINGS = ("nearest", "up", "down")
PROBE = 4096  # values looked at first: measured times have no ties among so many, rounded values hundreds
MOST_STEPS = 4096  # finer rounding than this part of the span moves nothing by 1e-3 standard errors
ON_GRID = 0.05  # of a step; ten values of any origin lie so near to one by chance once in 1e8 lists
ENOUGH = 8  # different values: they lie by chance on one of 20 grids once in 5e4 lists
NEAR_GRID = 0.3  # of a declared step: its values may have been printed with few digits
REMARKABLE = 0.02  # step over width from which rounding is worth a word


@dataclass(frozen=True)
class Rounding:
    """Intervals that rounded switching currents stand for; arrays have the shape (n_cell,) and ascend.

    Attributes
    ----------
    step
        In A; the mean one where steps differ.
    uniform
        Whether all steps are equal.
    low, high
        Ends of the intervals in A. They do not overlap; between them no switch was seen.
    counts
        Switches in each.
    """

    step: float
    uniform: bool
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """Middle of each interval in A."""
        return 0.5 * (self.low + self.high)

    @property
    def width_square(self) -> float:
        """Mean square of the intervals' widths in A²."""
        return float(self.counts @ (self.high - self.low) ** 2 / self.counts.sum())

    @property
    def std(self) -> float:
        """Standard deviation in A of the currents behind the values (Sheppard's correction; 0 if nothing is left)."""
        mean = float(self.counts @ self.middle) / self.counts.sum()
        variance = float(self.counts @ (self.middle - mean) ** 2) / self.counts.sum() - self.width_square / 12.0
        return float(np.sqrt(max(variance, 0.0)))

    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return currents in A at which the number of switches below is known, and that number."""
        below = np.cumsum(self.counts)
        currents = np.column_stack([self.low, self.high]).ravel()
        return currents, np.column_stack([below - self.counts, below]).ravel()

    def within(self, lowest: float, highest: float) -> Rounding:
        """Return the same with intervals cut to where a ramp can switch, in A."""
        sliver = 1e-6 * (self.high - self.low)
        low = np.maximum(self.low, np.minimum(lowest, self.high - sliver))
        high = np.minimum(self.high, np.maximum(highest, low + sliver))
        return Rounding(self.step, self.uniform, low, high, self.counts)


def rounding_of(histogram: Histogram) -> Rounding | None:
    """Return the intervals that a histogram's currents stand for: its bins, or what `find_rounding` finds."""
    if histogram.edges is None:
        return find_rounding(histogram.switching_currents, histogram.resolution, histogram.rounding)
    edges = histogram.edges
    place = np.searchsorted(edges, histogram.switching_currents, side="right") - 1
    cells, counts = np.unique(np.clip(place, 0, edges.size - 2), return_counts=True)
    low, high = edges[cells], edges[cells + 1]
    return Rounding(float(counts @ (high - low) / counts.sum()), False, low, high, counts.astype(np.float64))


def find_rounding(
    currents: NDArray[np.float64], resolution: float | None = None, rounding: str = "nearest"
) -> Rounding | None:
    """Return the intervals that values stand for, None if they can be taken as exact.

    Parameters
    ----------
    currents
        In A, shape (n_switch,), finite.
    resolution
        Step in A; 0: exact; None: looked for. Equal values, or values on a common grid, show it.
    rounding
        "nearest": a value is the nearest step, "up": the first step above the switch, "down": the last below.

    Raises
    ------
    InputError
        If the values do not lie on the steps that were declared, or the rounding is unknown.
    """
    if rounding not in ROUNDINGS:
        raise InputError(f"rounding {rounding!r} is not known: use one of {', '.join(ROUNDINGS)}")
    if resolution == 0.0:
        return None
    probe = currents[:PROBE]
    if resolution is None and currents.size > PROBE and np.unique(probe).size == probe.size:
        return None
    values, counts = _distinct(currents)
    if values.size < 2 or (resolution is None and values.size > MOST_STEPS):
        return None
    grid = (
        _declared(values, resolution)
        if resolution is not None
        else _common_step(values, 2 * values.size <= currents.size)
    )
    if grid is None:
        return _staircase(values, counts, rounding) if _repeated(counts) else None
    if values[-1] - values[0] > MOST_STEPS * grid:
        return None
    below, above = {"nearest": (0.5, 0.5), "up": (1.0, 0.0), "down": (0.0, 1.0)}[rounding]
    return Rounding(grid, True, values - below * grid, values + above * grid, counts)


def _distinct(currents: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return different values and how often each occurs; a difference in the last digits is none."""
    values, counts = np.unique(currents, return_counts=True)
    first = np.concatenate([[True], np.diff(values) > 1e-12 * np.abs(values[1:])])
    return values[first], np.add.reduceat(counts, np.flatnonzero(first)).astype(np.float64)


def _common_step(values: NDArray[np.float64], tied: bool) -> float | None:
    """Return the step of a grid on which all values lie; the smallest difference of few values is some steps long."""
    distance = values - values[0]
    smallest = float(np.diff(values).min())
    for parts in range(1, 1 + (20 if values.size >= ENOUGH else 5 if tied else 1)):
        step = smallest / parts
        for _ in range(3):  # the smallest difference carries the rounding of two values, the fit that of all
            number = np.rint(distance / step)
            step = float(number @ distance / (number @ number))
        if np.abs(distance / step - number).max() < ON_GRID:
            return step
    return None


def _declared(values: NDArray[np.float64], resolution: float) -> float:
    number = np.rint((values - values[0]) / resolution)
    off = np.abs((values - values[0]) / resolution - number).max()
    if off > NEAR_GRID or (np.diff(number) < 1.0).any():
        raise InputError(
            f"the values do not lie on steps of {resolution:.6g} A: two of them differ by"
            f" {float(np.diff(values).min()):.6g} A; leave the resolution out (--resolution) to have it looked for"
        )
    return resolution


def _repeated(counts: NDArray[np.float64]) -> bool:
    """Return whether most values occur again and again, as on a staircase, the most frequent one not counted."""
    others = counts.sum() - counts.max()
    return bool(counts.size >= 3 and counts.size - 1 <= 0.5 * others and counts.min() < counts.max())


def _staircase(values: NDArray[np.float64], counts: NDArray[np.float64], rounding: str) -> Rounding:
    """Return intervals between neighbouring values; where a step between them was not met, no wider than usual."""
    gap = np.diff(values)
    share = np.cumsum(counts) / counts.sum()
    bulk = gap[(share[:-1] > 0.1) & (share[:-1] < 0.9)]
    usual = 1.3 * float(bulk.max() if bulk.size else np.median(gap))
    before = np.minimum(np.concatenate([gap[:1], gap]), usual)
    after = np.minimum(np.concatenate([gap, gap[-1:]]), usual)
    below, above = {"nearest": (0.5 * before, 0.5 * after), "up": (before, 0.0 * after), "down": (0.0 * before, after)}[
        rounding
    ]
    step = float(counts @ (below + above) / counts.sum())
    return Rounding(step, False, values - below, values + above, counts)
