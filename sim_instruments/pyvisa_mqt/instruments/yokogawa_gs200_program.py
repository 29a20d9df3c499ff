"""The program of a GS200: levels one after the other, each reached along a slope and then held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_STEPS", "Program"]

MOST_STEPS = 10_000
#: A slope is drawn in steps of 10 ms, or coarser where it would need more than this many points.
GRID, LARGEST_STAIRCASE = 0.01, 200_000


@dataclass(frozen=True)
class Program:
    """A program on its way.

    Attributes
    ----------
    begin
        Level from which the first slope starts, V or A.
    levels
        Levels in V or A, at least one.
    interval, slope
        Time of a step, and of the slope at its start, both in s; a slope longer than the interval
        prolongs the step (U).
    """

    begin: float
    levels: tuple[float, ...]
    interval: float
    slope: float

    @property
    def step_time(self) -> float:
        """Duration of a step in s."""
        return max(self.interval, self.slope)

    @property
    def duration(self) -> float:
        """Duration of all steps in s."""
        return self.step_time * len(self.levels)

    @property
    def moving(self) -> float:
        """Time in s until the last slope is at its end."""
        return self.duration - self.step_time + self.slope

    def level(self, time: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the level at times in s since the start, 0 to `duration`."""
        steps = len(self.levels)
        number = np.clip(np.asarray(time) / self.step_time + 1e-9, 0, steps - 1).astype(np.int64)
        levels = np.array(self.levels)
        before = np.concatenate([[self.begin], levels[:-1]])
        share = (np.asarray(time) - number * self.step_time) / self.slope if self.slope else np.ones_like(number)
        return np.asarray(before[number] + np.clip(share, 0.0, 1.0) * (levels[number] - before[number]))

    def staircase(self) -> NDArray[np.float64]:
        """Return the levels on a grid of equal times over the duration, shape (n_point,)."""
        count = int(min(max(round(self.duration / GRID), len(self.levels)), LARGEST_STAIRCASE))
        middles = np.asarray((np.arange(count) + 0.5) * (self.duration / count), dtype=np.float64)
        return self.level(middles)
