"""One period of the bias current as the junction sees it: a staircase behind a single-pole filter.

Within step k the source holds v_k and the filtered current relaxes exponentially towards it,

    y(t) = v_k + (y_k - v_k) exp(-(t - t_k) / lag),        y_{k+1} = y(t_k + step).

So every crossing of a level inside a step has a closed form, and the periodic steady state is
one discrete convolution. Without a filter the current is the bare staircase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cycle", "Excursion", "Staircase"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Excursion:
    """A stretch of one cycle in which the voltage state can live: |I| above the retrapping current.

    Attributes
    ----------
    polarity
        Sign of the current, +1 or -1.
    begin, end
        Times in s from the start of the cycle.
    from_start, to_end
        Whether the stretch touches the cycle's start or end, so that it can go on across it.
    """

    polarity: int
    begin: float
    end: float
    from_start: bool
    to_end: bool


@dataclass(frozen=True)
class Cycle:
    """One period of the filtered current.

    Attributes
    ----------
    targets
        Source level in A of each step, shape (n_step,).
    starts
        Filtered current in A at the start of each step, shape (n_step,).
    step
        Duration of a step in s.
    lag
        Time constant of the filter in s, 0 for none.
    """

    targets: Array
    starts: Array
    step: float
    lag: float

    @property
    def period(self) -> float:
        """Duration of the cycle in s."""
        return self.step * len(self.targets)

    @cached_property
    def ends(self) -> Array:
        """Filtered current in A at the end of each step, shape (n_step,)."""
        return self.relax(self.targets, self.starts, self.step)

    def relax(self, targets: Array, starts: Array, time: Array | float) -> Array:
        """Return the current in A a time (s) after it was `starts` and began to relax to `targets`."""
        if self.lag == 0.0:
            return targets
        return np.asarray(targets + (starts - targets) * np.exp(-np.asarray(time) / self.lag))

    def step_of(self, time: Array | float) -> NDArray[np.int64]:
        """Return the index of the step in which a time (s, 0 to period) falls."""
        return np.clip(np.asarray(time) / self.step, 0, len(self.targets) - 1).astype(np.int64)

    def current(self, time: Array | float) -> Array:
        """Return the filtered current in A at times (s) from the start of the cycle, 0 to period."""
        k = self.step_of(time)
        return self.relax(self.targets[k], self.starts[k], np.asarray(time) - k * self.step)

    @cached_property
    def _charge(self) -> Array:
        """Integral of |I| in C from the start of the cycle to each step boundary, shape (n_step + 1,)."""
        moved = self.lag * (self.starts - self.ends)  # the exponential's own integral
        return np.concatenate([[0.0], np.cumsum(np.abs(self.targets * self.step + moved))])

    def charge(self, begin: Array | float, end: Array | float) -> Array:
        """Return the integral of |I| in C between two times (s) of the cycle, linear within steps."""
        first, last = np.interp(begin, self._edges, self._charge), np.interp(end, self._edges, self._charge)
        return np.asarray(last - first)

    @cached_property
    def _edges(self) -> Array:
        """Step boundaries in s, shape (n_step + 1,)."""
        return np.asarray(np.arange(len(self.targets) + 1) * self.step, dtype=np.float64)

    def crossing(self, targets: Array, starts: Array, level: float) -> Array:
        """Return the time in s from a step's start at which the current passes `level` inside it."""
        if self.lag == 0.0:
            return np.zeros_like(targets)
        with np.errstate(divide="ignore", invalid="ignore"):
            time = -self.lag * np.log((level - targets) / (starts - targets))
        return np.clip(np.nan_to_num(time, nan=0.0, posinf=self.step, neginf=0.0), 0.0, self.step)

    def excursions(self, threshold: float, since: float = 0.0) -> list[Excursion]:
        """Return where |I| exceeds `threshold` (A, positive), in order of time, from `since` (s) on."""
        found = self._signed_excursions(1, threshold) + self._signed_excursions(-1, threshold)
        clipped = [
            Excursion(e.polarity, max(e.begin, since), e.end, e.begin <= since, e.to_end)
            for e in found
            if e.end > since
        ]
        return sorted(clipped, key=lambda e: e.begin)

    def _signed_excursions(self, polarity: int, threshold: float) -> list[Excursion]:
        """Return where polarity * I exceeds the threshold; steps that touch are merged."""
        above_start = polarity * self.starts >= threshold
        above_end = polarity * self.ends >= threshold
        present = np.flatnonzero(above_start | above_end)
        if present.size == 0:
            return []
        cross = self.crossing(self.targets[present], self.starts[present], polarity * threshold)
        begin = present * self.step + np.where(above_start[present], 0.0, cross)
        # A step's end is computed as the next one's start: neighbours of opposite sign then meet exactly.
        end = np.where(above_end[present], (present + 1) * self.step, present * self.step + cross)
        joined = (np.diff(present) == 1) & above_end[present[:-1]] & above_start[present[1:]]
        first = np.concatenate([[True], ~joined])
        last = np.concatenate([~joined, [True]])
        n_step = len(self.targets)
        return [
            Excursion(polarity, b, n_step * self.step if tail else e, head, tail)
            for b, e, head, tail in zip(
                begin[first].tolist(),
                end[last].tolist(),
                (above_start[present] & (present == 0))[first].tolist(),
                (above_end[present] & (present == n_step - 1))[last].tolist(),
                strict=True,
            )
        ]


class Staircase:
    """A periodic staircase behind a single-pole filter, in its periodic steady state and on the way to it.

    Parameters
    ----------
    values
        Source levels in A, shape (n_step,), each held for period / n_step.
    period
        Duration of a period in s.
    lag
        Time constant of the filter in s, 0 for none.
    """

    def __init__(self, values: Array, period: float, lag: float) -> None:
        self.values = np.ascontiguousarray(values, dtype=np.float64)
        self.period = period
        self.lag = lag
        self._step = period / len(self.values)

    @cached_property
    def _steady(self) -> Array:
        """Currents in A at the step starts in the periodic steady state, shape (n_step,)."""
        n_step = len(self.values)
        if self.lag == 0.0:
            return self.values
        if np.ptp(self.values) == 0.0:
            return self.values.copy()
        # y_{k+1} = q y_k + (1 - q) v_k with period n_step, solved exactly in the discrete spectrum.
        kept = math.exp(-self._step / self.lag)
        shift = np.exp(-2j * np.pi * np.fft.rfftfreq(n_step))
        response = -math.expm1(-self._step / self.lag) * shift / (1.0 - kept * shift)
        return np.fft.irfft(np.fft.rfft(self.values) * response, n_step)

    def steady_current(self, phase: float) -> float:
        """Return the steady-state current in A at a time (s) from the start of a period."""
        return float(self.cycle(0.0).current(phase))

    @cached_property
    def _steady_cycle(self) -> Cycle:
        return Cycle(self.values, self._steady, self._step, self.lag)

    def cycle(self, transient: float) -> Cycle:
        """Return the period that starts `transient` (A) above the steady state; it dies out with the lag."""
        if transient == 0.0 or self.lag == 0.0:
            return self._steady_cycle
        fading = transient * np.exp(-np.arange(len(self.values)) * (self._step / self.lag))
        return Cycle(self.values, self._steady + fading, self._step, self.lag)
