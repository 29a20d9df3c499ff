"""What is known of a running measurement, gathered from its events; nothing here knows how it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition import BlockStored, RampsBegin, Settling
from mqtctl.workflow import MeasurementBegins
from mqtctl.workflow.time_left import TimeLeft

__all__ = ["FineHistogram", "LiveState"]

#: Bins to a standard deviation of the first block, from which the picture's bins are put together.
_FINENESS = 20.0
#: Most bins: a current further off than this is counted in the outermost.
_MOST_BINS = 200_000
#: Longest trace of readings that is kept; a longer one is thinned out by half.
_LONGEST_TRACE = 2_000


class FineHistogram:
    """Counts switching currents in bins so fine that any picture can be made from them, however many there are."""

    def __init__(self) -> None:
        self._width = 0.0
        self._origin = 0.0
        self._counts = np.zeros(0, dtype=np.int64)

    def add(self, currents: NDArray[np.float64]) -> None:
        """Count currents in A, shape (n_switch,)."""
        if currents.size == 0:
            return
        if self._width == 0.0:
            self._origin = float(currents[0])
            self._width = max(float(currents.std()) / _FINENESS, 1e-9 * abs(self._origin), 1e-18)
        index = np.floor((currents - self._origin) / self._width)
        index = np.clip(index, -_MOST_BINS, _MOST_BINS).astype(np.int64)
        lowest, highest = min(0, int(index.min())), max(self._counts.size - 1, int(index.max()))
        if lowest < 0 or highest >= self._counts.size:
            self._counts = np.pad(self._counts, (-lowest, highest + 1 - self._counts.size))
            self._origin += lowest * self._width
            index -= lowest
        self._counts += np.bincount(index, minlength=self._counts.size)

    def picture(self, columns: int) -> tuple[NDArray[np.float64], float, float]:
        """Return counts in so many columns, and the currents in A at both ends; 1 in 1000 switches is left out."""
        total = int(self._counts.sum())
        if total == 0:
            return np.zeros(columns), math.nan, math.nan
        below = np.cumsum(self._counts)
        first = int(np.searchsorted(below, 0.0005 * total, side="right"))
        last = int(np.searchsorted(below, 0.9995 * total)) + 1
        edges = np.linspace(first, last, columns + 1)
        # bins that straddle a column's edge are shared out, so that no column is a tooth higher than its neighbours
        cumulated = np.interp(edges, np.arange(self._counts.size + 1), np.concatenate([[0], below]))
        low, high = self._origin + first * self._width, self._origin + last * self._width
        return np.diff(cumulated), low, high

    @property
    def kurtosis(self) -> float:
        """Fourth standardised moment of the counts; NaN where there is no width."""
        total = int(self._counts.sum())
        if total < 2:
            return math.nan
        place = np.arange(self._counts.size, dtype=np.float64)
        place -= float(self._counts @ place) / total
        square = place * place
        variance = float(self._counts @ square) / total
        return float(self._counts @ (square * square)) / total / variance**2 if variance > 0.0 else math.nan


@dataclass
class LiveState:
    """The present point and histogram.

    Attributes
    ----------
    point, points
        Index of the temperature, and how many there are.
    target
        Set point in K, None at the present temperature.
    settling
        The latest reading on the way to the set point; None while ramps run.
    begun
        What the present histogram is; None before the first.
    block
        The latest block; None before the first.
    temperatures
        Bath readings of this point in K, in order; thinned out where there are too many.
    means, widths
        Mean and width in A after each block.
    simulated
        Whether no instrument is real.
    wall
        Time in s on this computer's clock since the first event; NaN where nobody says it.
    """

    point: int = 0
    points: int = 0
    target: float | None = None
    settling: Settling | None = None
    begun: RampsBegin | None = None
    block: BlockStored | None = None
    temperatures: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    histogram: FineHistogram = field(default_factory=FineHistogram)
    left: TimeLeft = field(default_factory=TimeLeft)
    simulated: bool = False
    wall: float = math.nan

    def take(self, event: object) -> None:
        """Take an event."""
        self.left.take(event)
        match event:
            case MeasurementBegins():
                self.simulated = event.simulated
            case Settling():
                if self.settling is None or event.point != self.point:
                    self.temperatures = []
                    self.begun = self.block = None
                self._place(event.point, event.points, event.target)
                self.settling = event
                _append(self.temperatures, event.temperature)
            case RampsBegin():
                self._place(event.point, event.points, event.target)
                self.settling, self.begun, self.block = None, event, None
                self.means, self.widths, self.histogram = [], [], FineHistogram()
            case BlockStored():
                self.settling, self.block = None, event
                self.histogram.add(event.currents)
                _append(self.temperatures, event.temperature)
                _append(self.means, event.mean)
                _append(self.widths, event.std)
            case _:
                pass

    def _place(self, point: int, points: int, target: float | None) -> None:
        self.point, self.points, self.target = point, points, target

    @property
    def mean_stderr(self) -> float:
        """Standard error of the mean in A; NaN before there is one."""
        return self.block.std / math.sqrt(self.block.switches) if self.block and self.block.switches else math.nan

    @property
    def width_stderr(self) -> float:
        """Standard error of the width in A, with the kurtosis of the data; NaN before there is one."""
        if not self.block or not self.block.switches:
            return math.nan
        spread = math.sqrt(max(self.histogram.kurtosis - 1.0, 0.0))
        return 0.5 * self.block.std * spread / math.sqrt(self.block.switches)

    @property
    def wall_left(self) -> float:
        """What is left in s on this computer's clock, if it goes on as fast as so far; NaN where nothing is known."""
        passed = self.left.passed
        return self.wall * (self.left.settling + self.left.ramping) / passed if passed > 0.0 else math.nan

    @property
    def share(self) -> float:
        """Part of what is wanted that is done, 0 to 1."""
        return self.block.switches / max(self.block.wanted, 1) if self.block else 0.0


def _append(trace: list[float], value: float) -> None:
    """Add to a trace; when it is too long, keep every second value."""
    trace.append(value)
    if len(trace) > _LONGEST_TRACE:
        del trace[::2]
